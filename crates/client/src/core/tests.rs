//! The core by itself: lines in, bytes out, a clock that the test moves.

//! What is left of a turn between two streams.

use crate::turns::Course;

/// A turn and what of it waits to be read. `E` is the kind of subscription.
pub(crate) struct Following<E> {
    pub(crate) events: E,
    pub(crate) course: Course,
    /// Some of it may have been missed, its end for one: the server has to be asked.
    pub(crate) asks: bool,
}

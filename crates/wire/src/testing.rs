//! What the generated crates build values for tests from, behind the feature `testing`.
//!
//! A sample is JSON that the generator wrote, decoded by the codec of its type. Constructors start from it.

use crate::de::Object;
use crate::{Deserialize, de};

/// A value from JSON that the generator wrote.
///
/// # Panics
///
/// The JSON is no value of the type: a bug of the generator, which a test of every sample excludes.
pub fn value<T: for<'de> Deserialize<'de>>(json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("the sample {json} does not decode: {error}"))
}

/// The same for an arm of a union, which has no codec of its own.
///
/// # Panics
///
/// As [`value`] does.
pub fn object<T: Object>(json: &str) -> T {
    de::object(&mut serde_json::Deserializer::from_str(json))
        .unwrap_or_else(|error| panic!("the sample {json} does not decode: {error}"))
}

/// `sample` of the type of an `impl`: the JSON, and whether the type reads as a `value` or as an `object`.
#[doc(hidden)]
#[macro_export]
macro_rules! test_sample {
    ($read:ident $json:literal) => {
        /// A small valid value for tests, the same in every run: the required members alone, arrays empty.
        ///
        /// Needs the feature `testing`.
        pub fn sample() -> Self {
            $crate::testing::$read($json)
        }
    };
}

/// `new` of a type that the server writes. Each argument has a kind, which says what is taken and what is stored: see
/// `test_type` and `test_value`.
#[doc(hidden)]
#[macro_export]
macro_rules! test_new {
    () => {
        /// Nothing set.
        ///
        /// Needs the feature `testing`.
        pub fn new() -> Self {
            Self::sample()
        }
    };
    ($($field:ident: $kind:ident $type:ty),+) => {
        /// With its required members; the optional ones are not set.
        ///
        /// Needs the feature `testing`.
        pub fn new($($field: $crate::test_type!($kind $type)),+) -> Self {
            let mut value = Self::sample();
            $(value.$field = $crate::test_value!($kind $field);)+
            value
        }
    };
}

/// A setter of a type that the server writes.
#[doc(hidden)]
#[macro_export]
macro_rules! test_setter {
    ($field:ident: $kind:ident $type:ty) => {
        $crate::test_setter!($field => $field: $kind $type);
    };
    ($setter:ident => $field:ident: $kind:ident $type:ty) => {
        #[doc = concat!("Sets `", stringify!($field), "`.\n\nNeeds the feature `testing`.")]
        #[must_use]
        pub fn $setter(mut self, $field: $crate::test_type!($kind $type)) -> Self {
            self.$field = $crate::test_value!($kind $field);
            self
        }
    };
}

/// The type of an argument.
#[doc(hidden)]
#[macro_export]
macro_rules! test_type {
    (value $type:ty) => { $type };
    (some $type:ty) => { $type };
    (into $type:ty) => { impl Into<$type> };
    (some_into $type:ty) => { impl Into<$type> };
    (patch $type:ty) => { impl Into<$crate::Patch<$type>> };
    (strings $type:ty) => { impl IntoIterator<Item = impl Into<String>> };
    (some_strings $type:ty) => { impl IntoIterator<Item = impl Into<String>> };
}

/// What is stored of an argument.
#[doc(hidden)]
#[macro_export]
macro_rules! test_value {
    (value $value:ident) => {
        $value
    };
    (some $value:ident) => {
        Some($value)
    };
    (into $value:ident) => {
        $value.into()
    };
    (some_into $value:ident) => {
        Some($value.into())
    };
    (patch $value:ident) => {
        $value.into()
    };
    (strings $value:ident) => {
        $value.into_iter().map(Into::into).collect()
    };
    (some_strings $value:ident) => {
        Some($value.into_iter().map(Into::into).collect())
    };
}

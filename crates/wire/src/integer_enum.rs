//! Open enums of integers: known values are variants, any other value of the format is kept as it came.

/// An integer that the bindings do not know. Only decoding and `From` make one, so that it never equals a
/// known variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnknownInteger<T>(T);

impl<T: Copy> UnknownInteger<T> {
    /// The value as it stands on the wire.
    pub fn get(self) -> T {
        self.0
    }

    #[doc(hidden)]
    pub fn new(value: T) -> Self {
        Self(value)
    }
}

/// An enum of integers of the protocol. Comparing, hashing and sorting go by the integer.
pub trait IntegerEnum: Sized + Copy + 'static {
    /// The integer type of the format.
    type Repr: TryFrom<i64>;

    /// Every known variant, in schema order.
    const ALL: &'static [Self];

    /// The value on the wire.
    fn get(self) -> Self::Repr;

    /// The variant for a wire value; an unknown value is kept.
    fn from_wire(value: Self::Repr) -> Self;
}

/// Writes the trait impls of one integer enum, from its table of variants and wire values.
#[doc(hidden)]
#[macro_export]
macro_rules! impl_integer_enum {
    ($name:ident: $repr:ident { $($variant:ident => $wire:literal,)* }) => {
        impl $crate::IntegerEnum for $name {
            type Repr = $repr;

            const ALL: &'static [Self] = &[$(Self::$variant),*];

            fn get(self) -> $repr {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Unrecognized(value) => value.get(),
                }
            }

            fn from_wire(value: $repr) -> Self {
                match value {
                    $($wire => Self::$variant,)*
                    _ => Self::Unrecognized($crate::UnknownInteger::new(value)),
                }
            }
        }

        impl $name {
            /// Every known variant, in schema order.
            pub const ALL: &'static [Self] = <Self as $crate::IntegerEnum>::ALL;

            /// The value on the wire.
            pub fn get(self) -> $repr {
                $crate::IntegerEnum::get(self)
            }
        }

        impl ::core::cmp::PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.get() == other.get()
            }
        }

        impl ::core::cmp::Eq for $name {}

        impl ::core::cmp::PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> ::core::option::Option<::core::cmp::Ordering> {
                ::core::option::Option::Some(::core::cmp::Ord::cmp(self, other))
            }
        }

        impl ::core::cmp::Ord for $name {
            fn cmp(&self, other: &Self) -> ::core::cmp::Ordering {
                self.get().cmp(&other.get())
            }
        }

        impl ::core::hash::Hash for $name {
            fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
                ::core::hash::Hash::hash(&self.get(), state);
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(&self.get(), f)
            }
        }

        impl ::core::convert::From<$repr> for $name {
            fn from(value: $repr) -> Self {
                $crate::IntegerEnum::from_wire(value)
            }
        }

        impl $crate::Serialize for $name {
            fn serialize<S: $crate::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::Serialize::serialize(&self.get(), serializer)
            }
        }

        impl<'de> $crate::Deserialize<'de> for $name {
            fn deserialize<D: $crate::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                <$repr as $crate::Deserialize>::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

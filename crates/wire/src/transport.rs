//! What a connection offers so that the flat method wrappers work on it.

use std::future::Future;

use crate::{DecodeError, EncodeError};

/// Anything that the flat method wrappers can be called on.
pub trait Endpoint {
    /// What a call can fail with; besides the transport's own troubles, params that do not encode and
    /// answers that do not decode.
    type Error: From<EncodeError> + From<DecodeError>;
}

/// A connection that sends requests and waits for their answers asynchronously.
pub trait Transport: Endpoint {
    /// Sends a request and resolves to the JSON text of its `result`. `params` is JSON text; `None`
    /// leaves the member out.
    fn send(
        &self,
        method: &'static str,
        params: Option<String>,
    ) -> impl Future<Output = Result<String, Self::Error>> + Send;

    /// Sends a notification.
    fn notify(
        &self,
        method: &'static str,
        params: Option<String>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// A connection whose calls block the calling thread.
pub trait BlockingTransport: Endpoint {
    /// Sends a request and waits for the JSON text of its `result`. `params` is JSON text; `None`
    /// leaves the member out.
    fn send(&self, method: &'static str, params: Option<String>) -> Result<String, Self::Error>;

    /// Sends a notification.
    fn notify(&self, method: &'static str, params: Option<String>) -> Result<(), Self::Error>;
}

/// A shared or borrowed connection is a connection.
macro_rules! forward {
    ($([$($life:lifetime)?] $pointer:ty),*) => {$(
        impl<$($life,)? C: Endpoint + ?Sized> Endpoint for $pointer {
            type Error = C::Error;
        }

        impl<$($life,)? C: Transport + Sync + ?Sized> Transport for $pointer
        where
            $pointer: Sync,
        {
            fn send(
                &self,
                method: &'static str,
                params: Option<String>,
            ) -> impl Future<Output = Result<String, C::Error>> + Send {
                (**self).send(method, params)
            }

            fn notify(
                &self,
                method: &'static str,
                params: Option<String>,
            ) -> impl Future<Output = Result<(), C::Error>> + Send {
                (**self).notify(method, params)
            }
        }

        impl<$($life,)? C: BlockingTransport + ?Sized> BlockingTransport for $pointer {
            fn send(&self, method: &'static str, params: Option<String>) -> Result<String, C::Error> {
                (**self).send(method, params)
            }

            fn notify(&self, method: &'static str, params: Option<String>) -> Result<(), C::Error> {
                (**self).notify(method, params)
            }
        }
    )*};
}

forward!(['a] &'a C, [] std::sync::Arc<C>, [] Box<C>);

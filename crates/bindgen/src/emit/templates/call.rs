use std::future::{Future, IntoFuture};
use std::pin::Pin;

use crate::prelude::wire::{
    BlockingTransport, Endpoint, Items, Notification, Paged, Pages, Request, Transport, decode, encode_params,
};

/// A request that is ready to be sent: await it on a [`Transport`], or [`call`](Self::call) it on a
/// [`BlockingTransport`]. Nothing is sent before.
#[must_use = "nothing is sent until the call is awaited or `call` is called"]
pub struct Call<'c, C: ?Sized, M: Request, F = Identity> {
    client: &'c C,
    pub(crate) params: M::Params,
    map: F,
}

/// What becomes of the response of a [`Call`] of the method `M`.
pub trait MapResponse<M: Request> {
    /// What the call yields.
    type Output;

    /// Prepares for the response, such as by a subscription. It is called with the params that are sent, just before
    /// they are.
    fn before_send(&mut self, params: &M::Params) {
        let _ = params;
    }

    /// Turns the response into it.
    fn map_response(self, response: M::Response) -> Self::Output;
}

/// The response as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity;

impl<M: Request> MapResponse<M> for Identity {
    type Output = M::Response;

    fn map_response(self, response: M::Response) -> M::Response {
        response
    }
}

impl<M: Request, T, F: FnOnce(M::Response) -> T> MapResponse<M> for F {
    type Output = T;

    fn map_response(self, response: M::Response) -> T {
        self(response)
    }
}

impl<'c, C: ?Sized, M: Request> Call<'c, C, M> {
    /// A call of the method `M`.
    pub fn new(client: &'c C, params: M::Params) -> Self {
        Self { client, params, map: Identity }
    }

    /// Makes something else of the response, keeping the setters.
    pub fn map<T, F: FnOnce(M::Response) -> T>(self, map: F) -> Call<'c, C, M, F> {
        self.map_with(map)
    }

    /// The same by a type that has a name, for functions that say what they return.
    pub fn map_with<F: MapResponse<M>>(self, map: F) -> Call<'c, C, M, F> {
        Call { client: self.client, params: self.params, map }
    }
}

impl<'c, C: Endpoint + ?Sized, M: Paged> Call<'c, C, M> {
    /// The pages, from the cursor that is set or the first one: each is requested when it is read.
    pub fn pages(self) -> Pages<'c, C, M> {
        Pages::new(self.client, self.params)
    }

    /// The items of all pages, one after another. The setter `limit` says how many there are in a page.
    pub fn items(self) -> Items<'c, C, M> {
        self.pages().items()
    }
}

impl<C: ?Sized, M: Request, F> Call<'_, C, M, F> {
    /// Calls a setter if there is a value for it, such as a setting of a program that is optional:
    /// `call.when_some(model, |call, model| call.model(model))`. Without one the param is left as it is.
    pub fn when_some<T>(self, value: Option<T>, set: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => set(self, value),
            None => self,
        }
    }

    /// Replaces every param, the arguments of the call included.
    pub fn with_params(mut self, params: M::Params) -> Self {
        self.params = params;
        self
    }

    /// What makes something else of the response, to be changed: for setters of whoever wrote it.
    pub fn map_mut(&mut self) -> &mut F {
        &mut self.map
    }
}

impl<C: Endpoint + ?Sized, M: Request, F: MapResponse<M>> Call<'_, C, M, F> {
    /// Sends the request and waits for its response.
    pub fn call(mut self) -> Result<F::Output, C::Error>
    where
        C: BlockingTransport,
    {
        self.map.before_send(&self.params);
        let params = encode_params(&self.params)?;
        let result = BlockingTransport::send(self.client, M::METHOD, params)?;
        finish::<C, M, F>(result, self.map)
    }
}

impl<'c, C, M, F> IntoFuture for Call<'c, C, M, F>
where
    C: Transport + Sync + ?Sized,
    M: Request,
    F: MapResponse<M> + Send + 'c,
{
    type Output = Result<F::Output, C::Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'c>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { client, params, mut map } = self;
        map.before_send(&params);
        let params = encode_params(&params);
        Box::pin(async move {
            let result = Transport::send(client, M::METHOD, params?).await?;
            finish::<C, M, F>(result, map)
        })
    }
}

fn finish<C: Endpoint + ?Sized, M: Request, F: MapResponse<M>>(
    result: String,
    map: F,
) -> Result<F::Output, C::Error> {
    match decode(&result) {
        Ok(response) => Ok(map.map_response(response)),
        Err(error) => Err(error.within("result").with_method(M::METHOD).with_raw(result).into()),
    }
}

/// A notification that is ready to be sent: await it on a [`Transport`], or [`call`](Self::call) it on a
/// [`BlockingTransport`].
#[must_use = "nothing is sent until the notification is awaited or `call` is called"]
pub struct Notify<'c, C: ?Sized, N: Notification> {
    client: &'c C,
    params: N::Params,
}

impl<'c, C: Endpoint + ?Sized, N: Notification> Notify<'c, C, N> {
    /// A notification of the method `N`.
    pub fn new(client: &'c C, params: N::Params) -> Self {
        Self { client, params }
    }

    /// Sends the notification.
    pub fn call(self) -> Result<(), C::Error>
    where
        C: BlockingTransport,
    {
        let params = encode_params(&self.params)?;
        BlockingTransport::notify(self.client, N::METHOD, params)
    }
}

impl<'c, C: Transport + Sync + ?Sized, N: Notification> IntoFuture for Notify<'c, C, N> {
    type Output = Result<(), C::Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'c>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { client, params } = self;
        let params = encode_params(&params);
        Box::pin(async move { Transport::notify(client, N::METHOD, params?).await })
    }
}

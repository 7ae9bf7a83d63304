//! Endpoint functions that a test can call.

use std::pin::pin;

use futures_util::future::{Either, select};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::answer::{Answer, ResponseHead};
use crate::app::lifecycle::{Async, Fallible, Plain};
use crate::block_on::block_on;
use crate::error::Error;

/// An endpoint function of the app `A` that takes `I` and returns `T`.
///
/// It takes `&self` and up to three arguments, and optionally `&mut ResponseHead` before or after them. `I` is the argument,
/// `()` without one, and a tuple of several. Call endpoints with more arguments or with events by
/// [`TestApp::post`](super::TestApp::post). `M` marks the signature and is inferred.
#[diagnostic::on_unimplemented(
    message = "this function cannot be called with `{I}`",
    label = "no endpoint of the app `{A}` that takes `{I}`",
    note = "write `app.call({A}::function, input)`, with `()` as the input of a function that takes none, and a tuple for one that takes several",
    note = "an endpoint that takes events or more than three arguments is called by `app.post(\"/path\")`"
)]
pub trait EndpointFn<A, I, T, M>: Send + 'static {
    /// Calls it on its own thread. `None` if the caller no longer waits.
    #[doc(hidden)]
    fn call(
        self,
        app: &A,
        input: I,
        head: &mut ResponseHead,
        place: &mut CallThread<T>,
    ) -> Option<Result<T, Error>>;
}

/// The return type of an endpoint function: `T` or a `Result` of it.
pub trait Answers<T, M> {
    /// Converts it to a `Result`.
    #[doc(hidden)]
    fn answer(self) -> Result<T, Error>;
}

impl<M, T: Answer<M>> Answers<T, (Plain, M)> for T {
    fn answer(self) -> Result<T, Error> {
        Ok(self)
    }
}

impl<T, E: Into<Error>> Answers<T, Fallible> for Result<T, E> {
    fn answer(self) -> Result<T, Error> {
        self.map_err(Into::into)
    }
}

/// The thread of one call, and the channel to its caller.
#[derive(Debug)]
pub struct CallThread<T> {
    pub(super) runtime: Handle,
    pub(super) answer: oneshot::Sender<Result<T, Error>>,
}

impl<T> CallThread<T> {
    fn drive<F: Future>(&mut self, call: F) -> Option<F::Output> {
        let Self { runtime, answer } = self;
        let _entered = runtime.enter();
        block_on(async {
            match select(pin!(call), pin!(answer.closed())).await {
                Either::Left((returned, _)) => Some(returned),
                Either::Right(((), _)) => None,
            }
        })
    }
}

/// Each signature twice: blocking and async.
macro_rules! shapes {
    ($($shape:ident $(<$($generic:ident),*>)?: ($($argument:ty),*) by |$input:pat, $head:ident| $taken:ty => ($($passed:expr),*);)*) => {$(
        /// Marks a signature.
        #[derive(Debug)]
        pub enum $shape {}

        impl<A, $($($generic,)*)? T, M, R, F> EndpointFn<A, $taken, T, (Plain, $shape, fn(M) -> R)> for F
        where
            F: FnOnce(&A, $($argument),*) -> R + Send + 'static,
            R: Answers<T, M>,
        {
            fn call(
                self,
                app: &A,
                input: $taken,
                $head: &mut ResponseHead,
                _: &mut CallThread<T>,
            ) -> Option<Result<T, Error>> {
                let $input = input;
                Some(self(app, $($passed),*).answer())
            }
        }

        impl<A, $($($generic,)*)? T, M, R, F> EndpointFn<A, $taken, T, (Async<()>, $shape, fn(M) -> R)> for F
        where
            F: AsyncFnOnce(&A, $($argument),*) -> R + Send + 'static,
            R: Answers<T, M>,
        {
            fn call(
                self,
                app: &A,
                input: $taken,
                $head: &mut ResponseHead,
                place: &mut CallThread<T>,
            ) -> Option<Result<T, Error>> {
                let $input = input;
                place.drive(self(app, $($passed),*)).map(Answers::answer)
            }
        }
    )*};
}

shapes! {
    Bare: () by |(), _head| () => ();
    OfHead: (&mut ResponseHead) by |(), head| () => (head);
    OfInput<I>: (I) by |input, _head| I => (input);
    OfInputAndHead<I>: (I, &mut ResponseHead) by |input, head| I => (input, head);
    OfHeadAndInput<I>: (&mut ResponseHead, I) by |input, head| I => (head, input);
    OfTwo<I, J>: (I, J) by |(one, two), _head| (I, J) => (one, two);
    OfTwoAndHead<I, J>: (I, J, &mut ResponseHead) by |(one, two), head| (I, J) => (one, two, head);
    OfHeadAndTwo<I, J>: (&mut ResponseHead, I, J) by |(one, two), head| (I, J) => (head, one, two);
    OfThree<I, J, K>: (I, J, K) by |(one, two, three), _head| (I, J, K) => (one, two, three);
    OfThreeAndHead<I, J, K>:
        (I, J, K, &mut ResponseHead) by |(one, two, three), head| (I, J, K) => (one, two, three, head);
    OfHeadAndThree<I, J, K>:
        (&mut ResponseHead, I, J, K) by |(one, two, three), head| (I, J, K) => (head, one, two, three);
}

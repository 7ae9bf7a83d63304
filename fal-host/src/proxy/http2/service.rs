//! The requests of one connection.

use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::Service;

use super::body::StreamBody;
use super::rounds::Rounds;
use super::stream::StreamSpawner;
use crate::proxy::balancer::Balancer;
use crate::proxy::client::Client;
use crate::proxy::forward::{Departed, forward};
use crate::proxy::session::Session;

/// Answers the requests of one connection.
#[derive(Debug)]
pub(super) struct Requests {
    pub(super) balancer: Arc<Balancer>,
    /// The connection.
    pub(super) client: Arc<Client>,
    pub(super) spawner: StreamSpawner,
    pub(super) rounds: Rounds,
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<StreamBody>;
    type Error = Departed;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Departed>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let stream = Arc::new(Client::of_stream(&self.client));
        let session = Session::new(Arc::clone(&self.balancer), Arc::clone(&stream));
        self.spawner.announce(Arc::clone(&session));
        let rounds = self.rounds.clone();
        Box::pin(async move {
            Ok(forward(&session, request).await?.map(|body| StreamBody::new(body, stream, rounds)))
        })
    }
}

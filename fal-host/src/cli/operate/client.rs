//! A client of a host's Unix socket.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use super::error::OperateError;
use super::target::{HostSocket, Target};

/// The response of a host.
pub(super) struct HostResponse {
    pub(super) status: StatusCode,
    body: Incoming,
}

impl HostResponse {
    /// The next piece of the body, as soon as it arrives. `None` at the end.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, OperateError> {
        loop {
            match self.body.frame().await.transpose()? {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// The whole body, which is JSON.
    pub(super) async fn json(mut self) -> Result<Value, OperateError> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            body.extend_from_slice(&piece);
        }
        serde_json::from_slice(&body).map_err(|error| OperateError::Disconnected(error.to_string()))
    }

    /// The response, if it is a success, or another one of these.
    pub(super) async fn or_refused(self, expected: &[StatusCode]) -> Result<Self, OperateError> {
        if self.status.is_success() || expected.contains(&self.status) {
            return Ok(self);
        }
        let status = self.status;
        let body = self.json().await?;
        let detail = body.get("detail").and_then(Value::as_str);
        Err(OperateError::Refused(
            detail.map_or_else(|| format!("the host answered {status}"), str::to_owned),
        ))
    }
}

/// Runs what talks to a host.
pub(super) fn block_on<T>(future: impl Future<Output = Result<T, OperateError>>) -> Result<T, OperateError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

pub(super) async fn get(target: &Target, page: &str) -> Result<HostResponse, OperateError> {
    send(target, Method::GET, page).await
}

pub(super) async fn post(target: &Target, page: &str) -> Result<HostResponse, OperateError> {
    send(target, Method::POST, page).await
}

async fn send(target: &Target, method: Method, page: &str) -> Result<HostResponse, OperateError> {
    let stream = connect(target.socket()?).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::builder().method(method).uri(page).header("host", "localhost");
    let request = request.body(Empty::<Bytes>::new());
    let request = request.map_err(|error| OperateError::Refused(error.to_string()))?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(HostResponse { status: head.status, body })
}

async fn connect(HostSocket { path, user }: HostSocket) -> Result<UnixStream, OperateError> {
    let stream = match UnixStream::connect(&path).await {
        Ok(stream) => stream,
        Err(error) => return Err(OperateError::Unreachable { path, error }),
    };
    // The owner of the directory may have replaced the socket since it was found (S88c).
    let listening = stream.peer_cred()?.uid();
    if user.is_some_and(|user| user != listening) {
        return Err(OperateError::AnotherUser { path, user: listening });
    }
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use rustix::process::geteuid;

    use super::*;
    use crate::control_socket::{SocketAccess, listen};

    #[tokio::test]
    async fn nothing_is_sent_to_a_process_of_another_user_s88c() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.1.sock");
        let _listening = listen(&path, SocketAccess::default()).unwrap();
        let user = geteuid().as_raw();
        for expected in [None, Some(user)] {
            connect(HostSocket { path: path.clone(), user: expected }).await.unwrap();
        }
        let error = connect(HostSocket { path, user: Some(user + 1) }).await.unwrap_err();
        assert!(matches!(error, OperateError::AnotherUser { user: listening, .. } if listening == user));
    }
}

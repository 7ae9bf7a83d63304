//! The response to a call that has ended.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::request::Parts;

use super::request_id::RequestId;
use super::service::EndpointService;
use crate::answer::{Reply, ResponseHead};
use crate::error::{Error, failure};

/// What a method that is not answered gets: 405 with those that are.
pub(crate) fn method_not_allowed(allow: HeaderValue) -> Response {
    let mut response = failure(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    response.headers_mut().insert(ALLOW, allow);
    response
}

/// `request` is the head of the request.
pub(super) fn success_response(request: &Parts, reply: Reply, head: ResponseHead) -> Response {
    let has_no_body = matches!(
        head.status(),
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
    );
    let mut response = match reply {
        _ if has_no_body => Response::new(Body::empty()),
        Reply::Json(body) => {
            let mut response = Response::new(Body::from(body));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Reply::ByRequest(answer) => return answer.respond(&request.method, &request.headers, head),
        Reply::Raw(response) => *response,
    };
    head.apply(&mut response);
    response
}

/// The response of a call that has failed, which is logged.
pub(super) fn error_response(
    served: &EndpointService,
    id: &RequestId,
    error: &Error,
    head: ResponseHead,
) -> Response {
    served.log(id, error);
    let mut response = error.response(id);
    head.apply_to_error(&mut response);
    response
}

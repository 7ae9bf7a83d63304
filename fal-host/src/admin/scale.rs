//! `POST /scale`: changes how many runners there are (S76).

use std::num::NonZeroU16;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde_json::json;

use super::state::{Admin, stopping};
use crate::driver::ControlRequest;
use crate::fleet::Scale;

/// Starts or drains runners until there are as many as `?runners=` says; `/runners` shows the progress.
pub(super) async fn scale(State(admin): State<Admin>, RawQuery(query): RawQuery) -> Response {
    if admin.status().await.is_none_or(|status| status.stopping) {
        return stopping();
    }
    let query = query.unwrap_or_default();
    let Some(runners) = query.strip_prefix("runners=").and_then(|runners| runners.parse::<NonZeroU16>().ok())
    else {
        let detail = format!(
            "unknown number of runners `{query}`: expected a whole number from 1 to 65535, as in \
             `POST /scale?runners=3`"
        );
        return (StatusCode::BAD_REQUEST, Json(json!({ "detail": detail }))).into_response();
    };
    match admin.ask(|reply| ControlRequest::Scale(Scale::To(runners.into()), Some(reply))).await {
        Some(target) => {
            let body = json!({ "status": "scaling", "runners": target.runners, "spares": target.spares });
            (StatusCode::ACCEPTED, Json(body)).into_response()
        }
        None => stopping(),
    }
}

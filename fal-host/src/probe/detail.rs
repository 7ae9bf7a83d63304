//! Why a runner failed a check, from the body of its response.

use std::time::Duration;

use super::html::text_of_page;
use super::response::Response;
use crate::evidence::MAX_DETAIL;

/// How long the rest of a failed response may take. The check has failed already.
const BODY_TIMEOUT: Duration = Duration::from_millis(100);

/// The text of a failed response, of a page without its tags, or its `detail` if it is JSON with one. `None` if it is empty or has not arrived in time.
pub(super) async fn detail_of(response: &mut Response<'_>) -> Option<String> {
    let mut read = Vec::new();
    let complete = async {
        while read.len() <= MAX_DETAIL
            && let Some(Ok(frame)) = response.frame().await
        {
            if let Some(data) = frame.data_ref() {
                let room = (MAX_DETAIL + 1).saturating_sub(read.len());
                read.extend(data.iter().take(room));
            }
        }
    };
    // What has arrived is better than nothing.
    let _ = tokio::time::timeout(BODY_TIMEOUT, complete).await;
    let text = String::from_utf8_lossy(&read);
    let text = text.trim();
    let detail = serde_json::from_str::<serde_json::Value>(text).ok();
    let detail = detail.as_ref().and_then(|body| body.get("detail")?.as_str());
    let text = detail.unwrap_or(text);
    text_of_page(text).or_else(|| (!text.is_empty()).then(|| text.to_owned()))
}

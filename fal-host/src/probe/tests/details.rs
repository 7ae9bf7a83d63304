//! What is kept of the response of a failed check (S85a).

use super::*;
use crate::evidence::{Evidence, MAX_DETAIL};

async fn detail_of(answer: String) -> Option<String> {
    let mut bench = bench();
    let evidence = Arc::<Evidence>::default();
    bench.prober = bench.prober.with_evidence(Arc::clone(&evidence));
    let server = bench.answers(answer);
    let check = in_time();
    assert_eq!(bench.prober.check(check).await.answer, failure(Failure::Status(503)));
    server.abort();
    evidence.detail(check.id).map(|detail| detail.to_string())
}

fn with_length(body: &str) -> String {
    format!("HTTP/1.1 503 Busy\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn the_detail_or_the_text_of_a_failed_response_is_kept_s85a() {
    for (body, detail) in [
        ("{\"detail\":\"no disk\"}", Some("no disk")),
        ("no disk\n", Some("no disk")),
        ("{\"error\":7}", Some("{\"error\":7}")),
        (" \n", None),
    ] {
        assert_eq!(detail_of(with_length(body)).await.as_deref(), detail, "{body}");
    }
    let in_parts =
        "HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\n3\r\nno \r\n4\r\ndisk\r\n0\r\n\r\n";
    assert_eq!(detail_of(in_parts.to_owned()).await.as_deref(), Some("no disk"));
}

#[tokio::test]
async fn as_much_is_read_of_a_failed_response_as_is_kept_and_one_byte_more_s85a() {
    assert_eq!(detail_of(with_length(&"x".repeat(3000))).await.unwrap().len(), MAX_DETAIL);
    let padding = " ".repeat(MAX_DETAIL + 1 - "{\"detail\":\"no disk\"}".len());
    let json = format!("{{\"detail\":{padding}\"no disk\"}}");
    assert_eq!(detail_of(with_length(&json)).await.as_deref(), Some("no disk"));
}

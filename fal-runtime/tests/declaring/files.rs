//! Files in ranges, and their validators: S110.

use std::io::Write;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::{Method, Request};
use fal_runtime::answer::File;
use fal_runtime::extract::Path;
use fal_runtime::prelude::*;

use crate::client::{Answer, Client};

const TEXT: &str = "0123456789";

/// An hour ago, and a fraction of a second that dates do not have.
fn changed() -> SystemTime {
    SystemTime::now() - Duration::from_millis(3_600_500)
}

struct Reports {
    directory: tempfile::TempDir,
}

impl Reports {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { directory }.with("latest", TEXT, changed())
    }

    fn with(self, name: &str, text: &str, changed: SystemTime) -> Self {
        let mut file = std::fs::File::create(self.directory.path().join(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.set_modified(changed).unwrap();
        self
    }
}

#[app]
impl Reports {
    fn setup() -> Result<Self> {
        Err(Error::msg("made by hand"))
    }

    #[endpoint("/reports/{name}", method = GET)]
    async fn report(&self, Path(name): Path<String>, response: &mut ResponseHead) -> Result<File> {
        response.set_header("cache-control", "no-cache");
        response.request_health_check();
        let file = File::open(self.directory.path().join(name)).await.status(StatusCode::NOT_FOUND)?;
        Ok(file.content_type("text/plain"))
    }

    #[endpoint("/versions/latest", method = GET)]
    async fn version(&self, response: &mut ResponseHead) -> Result<File> {
        response.set_header("etag", "\"v7\"");
        Ok(File::open(self.directory.path().join("latest")).await?)
    }

    #[endpoint("/rest", method = GET)]
    fn rest(&self) -> Result<File> {
        use std::io::Seek;
        let mut file = std::fs::File::open(self.directory.path().join("latest"))?;
        file.seek(std::io::SeekFrom::Start(4))?;
        Ok(File::from_std(file)?)
    }

    #[endpoint("/created", method = GET)]
    async fn created(&self, response: &mut ResponseHead) -> Result<File> {
        response.set_status(StatusCode::CREATED);
        Ok(File::open(self.directory.path().join("latest")).await?)
    }

    #[endpoint("/reports")]
    async fn posted(&self) -> Result<File> {
        Ok(File::open(self.directory.path().join("latest")).await?)
    }
}

async fn request(client: &Client, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    client.send(request.body(Body::empty()).unwrap()).await
}

async fn get(client: &Client, path: &str, headers: &[(&str, &str)]) -> Answer {
    request(client, Method::GET, path, headers).await
}

#[tokio::test]
async fn a_get_endpoint_sends_the_part_of_a_file_that_is_asked_for_s110() {
    let client = Client::of(Reports::new());
    let whole = get(&client, "/reports/latest", &[]).await;
    assert_eq!((whole.status.as_u16(), whole.text.as_str()), (200, TEXT));
    assert_eq!((whole.header("accept-ranges"), whole.header("content-range")), (Some("bytes"), None));
    for (range, text, header) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=0-", TEXT, "bytes 0-9/10"),
    ] {
        let part = get(&client, "/reports/latest", &[("range", range)]).await;
        assert_eq!((part.status.as_u16(), part.text.as_str()), (206, text));
        assert_eq!(part.header("content-range"), Some(header));
        assert_eq!(part.header("content-length"), Some(text.len().to_string().as_str()));
        for name in ["content-type", "etag", "last-modified", "cache-control"] {
            assert_eq!(part.header(name), whole.header(name), "{name}");
            assert!(part.header(name).is_some(), "{name}");
        }
    }
    let rest = get(&client, "/rest", &[("range", "bytes=1-2")]).await;
    assert_eq!((rest.text.as_str(), rest.header("content-range")), ("56", Some("bytes 1-2/6")));
}

#[tokio::test]
async fn a_range_after_the_file_is_an_error_with_its_length_s110() {
    let client = Client::of(Reports::new().with("empty", "", changed()));
    let behind = get(&client, "/reports/latest", &[("range", "bytes=10-")]).await;
    assert_eq!((behind.status.as_u16(), behind.header("content-range")), (416, Some("bytes */10")));
    assert_eq!(behind.detail(), "the range begins after the file's 10 bytes");
    assert_eq!(behind.header("x-fal-runner-health-check"), Some("true"), "the check is asked for (S27)");
    assert_eq!(behind.header("cache-control"), None);
    assert_eq!(get(&client, "/reports/empty", &[("range", "bytes=0-")]).await.status, 416);
    assert_eq!(get(&client, "/reports/empty", &[]).await.text, "");
}

#[tokio::test]
async fn a_client_that_knows_a_validator_gets_no_body_s110() {
    let client = Client::of(Reports::new());
    let whole = get(&client, "/reports/latest", &[]).await;
    for (condition, validator) in [("if-none-match", "etag"), ("if-modified-since", "last-modified")] {
        let validator = whole.header(validator).unwrap();
        for method in [Method::GET, Method::HEAD] {
            let known = request(&client, method, "/reports/latest", &[(condition, validator)]).await;
            assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""));
            assert_eq!(known.header("etag"), whole.header("etag"));
            assert_eq!(known.header("cache-control"), Some("no-cache"));
            assert_eq!(known.header("content-length"), None);
        }
    }
    let other = get(&client, "/reports/latest", &[("if-match", "\"x\"")]).await;
    assert_eq!((other.status.as_u16(), other.header("x-fal-runner-health-check")), (412, Some("true")));
    assert_eq!(other.detail(), "the file is not the one that the request expects");
}

#[tokio::test]
async fn a_file_that_has_changed_is_sent_whole_to_a_client_with_a_part_s110() {
    let reports = Reports::new();
    let path = reports.directory.path().to_owned();
    let client = Client::of(reports);
    let before = get(&client, "/reports/latest", &[]).await;
    for validator in ["etag", "last-modified"] {
        let headers = [("range", "bytes=5-"), ("if-range", before.header(validator).unwrap())];
        assert_eq!(get(&client, "/reports/latest", &headers).await.status, 206);
    }
    let file = std::fs::File::create(path.join("latest")).unwrap();
    (&file).write_all(b"9876543210").unwrap();
    file.set_modified(changed() + Duration::from_secs(60)).unwrap();
    for validator in ["etag", "last-modified"] {
        let headers = [("range", "bytes=5-"), ("if-range", before.header(validator).unwrap())];
        let whole = get(&client, "/reports/latest", &headers).await;
        assert_eq!((whole.status.as_u16(), whole.text.as_str()), (200, "9876543210"));
    }
}

#[tokio::test]
async fn a_file_that_may_still_change_unnoticed_has_no_validators_s110() {
    let later = SystemTime::now() + Duration::from_secs(3600);
    let client = Client::of(Reports::new().with("fresh", TEXT, SystemTime::now()).with("later", TEXT, later));
    for path in ["/reports/fresh", "/reports/later"] {
        let answer = get(&client, path, &[("range", "bytes=2-4")]).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (206, "234"));
        assert_eq!((answer.header("etag"), answer.header("last-modified")), (None, None));
    }
}

#[tokio::test]
async fn an_etag_of_the_endpoint_is_the_files_s110() {
    let client = Client::of(Reports::new());
    let known = get(&client, "/versions/latest", &[("if-none-match", "\"v7\"")]).await;
    assert_eq!((known.status.as_u16(), known.header("etag")), (304, Some("\"v7\"")));
    let headers = [("range", "bytes=0-1"), ("if-range", "\"v7\"")];
    assert_eq!(get(&client, "/versions/latest", &headers).await.text, "01");
}

#[tokio::test]
async fn only_a_get_of_a_file_with_status_200_has_conditions_s110() {
    let client = Client::of(Reports::new());
    let headers = [("range", "bytes=0-1"), ("if-none-match", "*")];
    let head = request(&client, Method::HEAD, "/reports/latest", &headers[..1]).await;
    assert_eq!((head.status.as_u16(), head.header("content-length")), (200, Some("10")));
    let created = get(&client, "/created", &headers).await;
    assert_eq!((created.status.as_u16(), created.text.as_str()), (201, TEXT));
    let posted = request(&client, Method::POST, "/reports", &headers).await;
    assert_eq!((posted.status.as_u16(), posted.text.as_str()), (200, TEXT));
    assert_eq!((posted.header("accept-ranges"), posted.header("etag")), (None, None));
}

#[test]
fn the_document_says_what_a_file_can_answer_s110() {
    let document = Reports::declaration().openapi();
    let responses = &document["paths"]["/reports/{name}"]["get"]["responses"];
    for status in ["200", "206"] {
        assert!(responses[status]["content"].get("application/octet-stream").is_some(), "{status}");
    }
    assert!(responses["206"]["headers"].get("content-range").is_some());
    assert!(responses["304"].get("content").is_none());
    assert!(responses["412"]["content"].get("application/json").is_some());
    assert!(responses["416"]["headers"].get("content-range").is_some());
    let posted = document["paths"]["/reports"]["post"]["responses"].as_object().unwrap();
    assert!(!posted.contains_key("206") && !posted.contains_key("416"));
}

//! Files through a host: S110.

use std::time::{Duration, SystemTime};

use axum::http::Method;
use fal_runtime::answer::File;
use fal_runtime::prelude::*;
use fal_runtime::testing::TestFleet;

struct Video {
    file: tempfile::NamedTempFile,
}

/// More than one read, and more than the buffers of its connections hold at once.
fn bytes() -> Vec<u8> {
    (0..3_000_000_u32).map(|number| number.to_le_bytes()[1]).collect()
}

#[app]
impl Video {
    fn setup() -> Result<Self> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), bytes())?;
        file.as_file().set_modified(SystemTime::now() - Duration::from_hours(1))?;
        Ok(Self { file })
    }

    #[endpoint("/video", method = GET)]
    async fn video(&self) -> Result<File> {
        Ok(File::open(self.file.path()).await?.content_type("video/mp4"))
    }
}

#[tokio::test]
async fn a_host_passes_ranges_and_validators_on_s110() -> Result<()> {
    let fleet = TestFleet::<Video>::start().await?;
    let whole = fleet.get("/video").send().await?;
    assert_eq!((whole.status(), whole.body()[..] == bytes()), (StatusCode::OK, true));
    let part = fleet.get("/video").header("range", "bytes=1000000-1999999").send().await?;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert!(part.body()[..] == bytes()[1_000_000..2_000_000]);
    assert_eq!(part.headers()["content-range"], "bytes 1000000-1999999/3000000");
    let etag = &whole.headers()["etag"];
    assert_eq!(part.headers()["etag"], etag);

    let known = fleet.get("/video").header("if-none-match", etag).send().await?;
    assert_eq!((known.status(), known.body().len()), (StatusCode::NOT_MODIFIED, 0));
    let head = fleet.request(Method::HEAD, "/video").send().await?;
    assert_eq!((head.headers()["content-length"].to_str()?, head.body().len()), ("3000000", 0));
    let behind = fleet.get("/video").header("range", "bytes=3000000-").send().await?;
    assert_eq!(behind.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(behind.headers()["content-range"], "bytes */3000000");
    fleet.stop().await
}

//! A page of metrics, as a test reads it.

use std::collections::BTreeMap;

use super::{Program, within};

/// The values of all series: `name{label="value",…}`, the labels sorted and without `application`.
#[derive(Debug)]
pub(crate) struct Exposition(BTreeMap<String, f64>);

impl Exposition {
    pub(crate) fn parse(page: &str) -> Self {
        let lines = page.lines().filter(|line| !line.starts_with('#'));
        let series = lines.map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (normalized(series), value.parse().unwrap())
        });
        Self(series.collect())
    }

    /// The value of a series. One that does not exist is 0.
    pub(crate) fn get(&self, series: &str) -> f64 {
        self.0.get(series).copied().unwrap_or_default()
    }

    /// The value of a series that is a whole number.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts in tests are small")]
    pub(crate) fn count(&self, series: &str) -> u64 {
        self.get(series) as u64
    }

    /// The series whose name begins like this.
    pub(crate) fn series(&self, prefix: &str) -> Vec<&str> {
        self.0.keys().map(String::as_str).filter(|series| series.starts_with(prefix)).collect()
    }
}

fn normalized(series: &str) -> String {
    let Some((name, labels)) = series.trim_end_matches('}').split_once('{') else { return series.to_owned() };
    // No label of a test has a comma or a quotation mark in its value.
    let mut labels: Vec<_> = labels.split(',').filter(|label| !label.starts_with("application=")).collect();
    labels.sort_unstable();
    if labels.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", labels.join(",")) }
}

impl Program {
    /// The metrics of a host.
    pub(crate) async fn metrics(&self) -> Exposition {
        let page = self.shows("/metrics").await;
        assert_eq!(page.status, 200);
        Exposition::parse(str::from_utf8(&page.body).unwrap())
    }

    /// Waits until a series of a host has this value: a request is counted when its response has been written.
    pub(crate) async fn counts(&self, series: &str, value: u64) {
        let counted = async { while self.metrics().await.count(series) != value {} };
        within(&format!("{series} to be {value}"), counted).await;
    }
}

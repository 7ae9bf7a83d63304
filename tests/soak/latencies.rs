//! Durations and their percentiles.

use std::fmt;
use std::time::Duration;

/// How long things took, in 200 classes that grow by a tenth from 10 µs: as much memory after a week as at the start.
#[derive(Clone, Debug)]
pub(crate) struct Latencies {
    classes: [u64; CLASSES],
    longest: Duration,
}

const CLASSES: usize = 200;
const FIRST: f64 = 10e-6;
const GROWTH: f64 = 1.1;

impl Default for Latencies {
    fn default() -> Self {
        Self { classes: [0; CLASSES], longest: Duration::ZERO }
    }
}

impl Latencies {
    pub(crate) fn add(&mut self, time: Duration) {
        let limit = |class: usize| FIRST * GROWTH.powi(i32::try_from(class).unwrap_or(i32::MAX));
        let class = (0..CLASSES).find(|class| time.as_secs_f64() <= limit(*class)).unwrap_or(CLASSES - 1);
        if let Some(count) = self.classes.get_mut(class) {
            *count += 1;
        }
        self.longest = self.longest.max(time);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (count, more) in self.classes.iter_mut().zip(other.classes) {
            *count += more;
        }
        self.longest = self.longest.max(other.longest);
    }

    pub(crate) fn count(&self) -> u64 {
        self.classes.iter().sum()
    }

    /// Below which this part of all lies; at most a tenth too high.
    pub(crate) fn quantile(&self, part: f64) -> Duration {
        let wanted = self.count() as f64 * part;
        let mut below = 0.0;
        for (class, count) in (0_i32..).zip(self.classes) {
            below += count as f64;
            if below >= wanted {
                return Duration::from_secs_f64(FIRST * GROWTH.powi(class)).min(self.longest);
            }
        }
        self.longest
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let [half, most, all] = [0.5, 0.99, 0.999].map(|part| ms(self.quantile(part)));
        let longest = ms(self.longest);
        write!(f, "p50 {half:.2} ms, p99 {most:.2} ms, p99.9 {all:.2} ms, longest {longest:.2} ms")
    }
}

//! A histogram that threads can share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::family::{Bucket, SeriesValue};

/// The usual bounds of durations, in seconds: those that OpenTelemetry recommends for requests, fewer of the short ones, and
/// more for requests that take minutes.
pub const SECONDS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// Counts values in buckets. Recording a value takes two atomic additions and no lock.
#[derive(Debug)]
pub struct Histogram {
    bounds: Box<[f64]>,
    /// One more than there are bounds.
    counts: Box<[AtomicU64]>,
    /// The sum of the values, as the bits of an `f64`.
    sum: AtomicU64,
}

impl Histogram {
    /// A histogram with these bounds, which are sorted. Bounds that are not finite are left out.
    pub fn new(bounds: &[f64]) -> Self {
        let mut bounds: Vec<_> = bounds.iter().copied().filter(|bound| bound.is_finite()).collect();
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        let counts = std::iter::repeat_with(AtomicU64::default).take(bounds.len() + 1).collect();
        Self { bounds: bounds.into(), counts, sum: AtomicU64::new(0.0_f64.to_bits()) }
    }

    /// Records a value. One that is not a number is left out.
    pub fn observe(&self, value: f64) {
        if value.is_nan() {
            return;
        }
        // Few bounds: a search from the start is as fast as any.
        let bucket = self.bounds.iter().take_while(|bound| value > **bound).count();
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        // Zeros are frequent among waits.
        if value != 0.0 {
            let add = |sum| Some((f64::from_bits(sum) + value).to_bits());
            // It never fails: the function always returns a sum.
            let _ = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        }
    }

    /// Records a duration in seconds.
    pub fn observe_duration(&self, duration: Duration) {
        self.observe(duration.as_secs_f64());
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// The sum of the values that were recorded.
    pub fn sum(&self) -> f64 {
        f64::from_bits(self.sum.load(Ordering::Relaxed))
    }

    /// What was recorded so far.
    pub fn value(&self) -> SeriesValue {
        let bounds = self.bounds.iter().copied().map(Some).chain([None]);
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        SeriesValue::Histogram {
            sum: self.sum(),
            buckets: bounds.zip(counts).map(|(bound, count)| Bucket(bound, count)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_in_the_first_bucket_whose_bound_it_does_not_exceed() {
        let histogram = Histogram::new(&[2.0, 1.0, f64::INFINITY, 2.0]);
        for value in [0.0, 1.0, 1.5, 2.5, f64::NAN] {
            histogram.observe(value);
        }
        let buckets = vec![Bucket(Some(1.0), 2), Bucket(Some(2.0), 1), Bucket(None, 1)];
        assert_eq!(histogram.value(), SeriesValue::Histogram { sum: 5.0, buckets });
        assert_eq!(histogram.count(), 4);
    }

    #[test]
    fn no_value_of_any_thread_is_lost() {
        let histogram = Histogram::new(SECONDS);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope
                    .spawn(|| (0..1000).for_each(|_| histogram.observe_duration(Duration::from_millis(500))));
            }
        });
        let SeriesValue::Histogram { sum, .. } = histogram.value() else { panic!("a histogram") };
        assert_eq!((histogram.count(), sum), (4000, 2000.0));
    }
}

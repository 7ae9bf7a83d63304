//! An exporter that counts what it sends and what it loses.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_otlp::SpanExporter as OtlpExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::loss::LossLog;

/// Sends spans, and counts them.
#[derive(Debug)]
pub(super) struct CountingExporter {
    exporter: OtlpExporter,
    loss: Arc<LossLog>,
}

impl CountingExporter {
    pub(super) const fn new(exporter: OtlpExporter, loss: Arc<LossLog>) -> Self {
        Self { exporter, loss }
    }
}

impl SpanExporter for CountingExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let exported = self.exporter.export(batch).await;
        self.loss.exported(count, exported.as_ref().err().map(ToString::to_string));
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

//! Reads manifests from standard input into the types of Kubernetes' API. Fails if a field is unknown or has a wrong type.

use std::io::{self, Error};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn main() -> io::Result<()> {
    let text = io::read_to_string(io::stdin())?;
    let mut kinds = Vec::new();
    for document in serde_yaml_ng::Deserializer::from_str(&text) {
        let manifest = Value::deserialize(document).map_err(Error::other)?;
        let kind = manifest["kind"].as_str().unwrap_or_default().to_owned();
        match kind.as_str() {
            "Deployment" => check::<Deployment>(&manifest),
            "Service" => check::<Service>(&manifest),
            "PodDisruptionBudget" => check::<PodDisruptionBudget>(&manifest),
            "HorizontalPodAutoscaler" => check::<HorizontalPodAutoscaler>(&manifest),
            other => Err(Error::other(format!("unexpected kind {other:?}"))),
        }?;
        kinds.push(kind);
    }
    if kinds.is_empty() {
        return Err(Error::other("there is no manifest"));
    }
    println!("{}", kinds.join(", "));
    Ok(())
}

/// Serde ignores unknown fields. So the type has to serialize to all that it was read from.
fn check<T: DeserializeOwned + serde::Serialize>(manifest: &Value) -> io::Result<()> {
    let typed: T = serde_json::from_value(manifest.clone()).map_err(Error::other)?;
    let back = serde_json::to_value(typed).map_err(Error::other)?;
    if back == *manifest { Ok(()) } else { Err(Error::other(format!("read {manifest}, written {back}"))) }
}

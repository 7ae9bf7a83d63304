//! Declare apps with health checks.

//! What the kernel says about the end of a runner: killed because memory ran out, or core dumped (S85b, S85c).

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

use crate::harness::*;

/// A host whose runners are this command, started by a shell after these steps. `None` if a step is refused here.
async fn host(steps: &str, directory: &Path, runner: &[&str]) -> Option<Program> {
    let mut command = Command::new("sh");
    let script = format!("({steps}) 2>/dev/null || {{ echo refused; exit 0; }}; {steps}; exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_host_program")]);
    command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--name", "app", "--"]).args(runner);
    let host = Program::start(command.current_dir(directory).env("FAL_CONTROL_SOCKET", "off"));
    let first = host.stdout.line("").await;
    if first == "refused" {
        println!("skipped: `{steps}` is refused here");
        return None;
    }
    Some(host)
}

/// The record of the first runner, and what explains it.
async fn end_of_first(host: &Program) -> (Value, String) {
    host.stderr.line("TERMINATED runner=1").await;
    let record = host.shows("/runners").await.json()["ended"][0].clone();
    let text = String::from_utf8(host.shows("/runners/1/explain").await.body).unwrap();
    (record, text)
}

#[tokio::test]
async fn the_record_says_that_a_runner_dumped_core_s85b() {
    let directory = tempfile::tempdir().unwrap();
    let runner = ["sh", "-c", "kill -ABRT $$"];
    let Some(host) = host("ulimit -c unlimited", directory.path(), &runner).await else { return };
    let (record, text) = end_of_first(&host).await;
    assert_eq!(record["exit"]["signal"], 6);
    let has_file = fs::read_dir(directory.path()).unwrap().count() > 0;
    if !has_file && record.get("core_dumped").is_none() {
        return println!("skipped: this kernel writes no core dumps");
    }
    assert_eq!(record["core_dumped"], true, "{record}");
    assert!(text.contains("core dump"), "{text}");
    assert!(host.stderr.line("TERMINATED runner=1").await.contains("core_dumped=true"));
}

/// A control group with a limit on memory.
struct MemoryGroup(PathBuf);

impl MemoryGroup {
    /// `None` where this user may not make one.
    fn of_64_mib() -> Option<Self> {
        let name = format!("fal-test-{}", std::process::id());
        let versions = [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")];
        versions.into_iter().find_map(|(mount, limit)| {
            let group = Self(Path::new(mount).join(&name));
            fs::create_dir(&group.0).ok()?;
            fs::write(group.0.join(limit), "67108864").ok()?;
            Some(group)
        })
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        // The test has waited for the end of the host, and the host for its runners.
        let _ = fs::remove_dir(&self.0);
    }
}

#[tokio::test]
async fn a_runner_that_the_kernel_kills_because_memory_ran_out_is_named_s85c() {
    let Some(group) = MemoryGroup::of_64_mib() else {
        return println!("skipped: no control group can be made here");
    };
    let (directory, procs) = (tempfile::tempdir().unwrap(), group.0.join("cgroup.procs"));
    let steps = format!("echo $$ > '{}'", procs.display());
    // It keeps all that it reads: there is no line feed.
    let Some(mut host) = host(&steps, directory.path(), &["tail", "/dev/zero"]).await else { return };
    let (record, text) = end_of_first(&host).await;
    assert_eq!(record["exit"]["signal"], 9, "{record}");
    assert_eq!(record["oom_killed"], "host_cgroup", "{record}");
    assert!(text.contains("out of memory") || text.contains("memory ran out"), "{text}");
    assert!(host.stderr.line("TERMINATED runner=1").await.contains("oom_killed=\"host_cgroup\""));
    host.signal(rustix::process::Signal::TERM);
    host.exit().await;
}

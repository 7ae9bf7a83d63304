//! The index of each runner: S47.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use fal_host::Reason;
use rustix::process::Signal;

use crate::harness::*;

/// A host of three runners, and the index that each of them reads in its setup.
async fn host_of_three(director: &Director) -> (TestHost, BTreeMap<u64, usize>) {
    let three = NonZeroUsize::new(3).unwrap();
    let host = TestHost::start_with(director, app(health()), |builder| {
        builder.runners(three).env_each("DEVICE", "gpu-{index}")
    })
    .await;
    for runner in 1..=3 {
        host.ready(runner).await;
    }
    (host, (1..=3).map(|runner| (runner, index_of(director, runner))).collect())
}

/// The index that a runner has read in its setup.
fn index_of(director: &Director, runner: u64) -> usize {
    let questions = director.asked();
    questions.iter().find(|question| question.runner == runner).unwrap().index.unwrap()
}

#[tokio::test]
async fn a_replacement_has_the_index_of_the_runner_that_it_replaces_s47a_s47b() {
    let director = Director::new();
    let (host, indexes) = host_of_three(&director).await;
    assert_eq!(indexes.values().copied().collect::<std::collections::BTreeSet<_>>(), [0, 1, 2].into());
    for runner in 1..=3 {
        assert_eq!(host.info(runner).await.unwrap().index, indexes[&runner]);
    }
    for (ended, replacement) in [(2, 4), (3, 5), (4, 6)] {
        Process::new(host.started(ended).await.0).signal(Signal::KILL);
        let record = host.ended(ended).await;
        assert_eq!((record.reason, record.index), (Reason::Exited, index_of(&director, ended)));
        host.ready(replacement).await;
        assert_eq!(index_of(&director, replacement), record.index);
        assert_eq!(host.info(replacement).await.unwrap().index, record.index);
    }
}

#[tokio::test]
async fn a_rolling_restart_keeps_every_index_s47a() {
    let director = Director::new();
    let (host, indexes) = host_of_three(&director).await;
    host.handle.restart();
    for runner in 1..=3 {
        assert_eq!(host.ended(runner).await.index, indexes[&runner]);
    }
    let snapshot = host.handle.snapshot().await.unwrap();
    let mut current: Vec<_> = snapshot.runners.iter().map(|runner| runner.index).collect();
    current.sort_unstable();
    assert_eq!(current, [0, 1, 2]);
    for runner in &snapshot.runners {
        assert_eq!(index_of(&director, runner.id.get()), runner.index);
    }
}

#[tokio::test]
async fn a_variable_of_every_runner_has_its_index_in_its_value_s47c() {
    let director = Director::new();
    let (host, indexes) = host_of_three(&director).await;
    for (runner, index) in indexes {
        let (pid, _) = host.started(runner).await;
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
        let variables: Vec<_> = environment.split(|byte| *byte == 0).collect();
        for variable in [format!("DEVICE=gpu-{index}"), format!("FAL_RUNNER_INDEX={index}")] {
            assert!(variables.contains(&variable.as_bytes()), "{variable}");
        }
    }
}

#[tokio::test]
async fn the_log_and_the_admin_interface_name_the_index_s47b() {
    let director = Director::new();
    let host = Program::run(&director, &["--app", "scripted", "--env-each", "DEVICE=gpu-{index}"]);
    host.stderr.line("SETUP: started runner=1 replica=0").await;
    host.stderr.line("IDLE: takes requests runner=1").await;
    assert_eq!(host.shows("/runners").await.json()["runners"][0]["replica"], 0);
}

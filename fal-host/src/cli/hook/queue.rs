//! Chooses the events for a hook, and keeps those that it has not got yet.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, watch};

use crate::event_log::{Content, EventLog};

/// How many events wait. Further ones are dropped.
pub(super) const QUEUE: usize = 256;

/// The kinds of events that a hook gets.
const KINDS: [&str; 11] = [
    "terminated",
    "replacement_deferred",
    "backoff_started",
    "stalled",
    "abandoned",
    "kill_outlived",
    "restart_completed",
    "restart_aborted",
    "upgrade_completed",
    "upgrade_failed",
    "gave_up",
];

/// The events for a hook, from the start of the host on.
#[derive(Debug)]
pub(super) struct HookQueue {
    app: String,
    log: Arc<EventLog>,
    events: mpsc::Sender<Value>,
    /// How many events were dropped since the last one that found room.
    missed: u64,
}

impl HookQueue {
    pub(super) fn new(app: String, log: Arc<EventLog>) -> (Self, mpsc::Receiver<Value>) {
        let (events, queued) = mpsc::channel(QUEUE);
        (Self { app, log, events, missed: 0 }, queued)
    }

    /// Fills the queue until the host has stopped. It never waits for the hook.
    pub(super) async fn fill(mut self, mut stopped: watch::Receiver<bool>) {
        let (mut newest, mut position) = (self.log.watch(), self.log.start());
        loop {
            // Looked at first, so that the last look finds all events.
            let is_last = *stopped.borrow_and_update();
            newest.mark_unchanged();
            let batch = self.log.since(position);
            position = batch.position;
            self.missed += batch.missed;
            for event in batch.events.iter().filter(|event| KINDS.contains(&event.kind)) {
                if let Content::Json(json) = &event.content {
                    self.push(json);
                }
            }
            if is_last {
                return;
            }
            tokio::select! {
                changed = newest.changed() => if changed.is_err() { return },
                changed = stopped.changed() => if changed.is_err() { return },
            }
        }
    }

    fn push(&mut self, json: &str) {
        let Ok(Value::Object(mut event)) = serde_json::from_str::<Value>(json) else { return };
        // A stop of the host ends all runners. Its operator knows.
        if event.get("reason").is_some_and(|reason| reason == "stopped") {
            return;
        }
        if self.missed > 0 {
            self.offer(Map::from_iter([
                ("kind".to_owned(), "gap".into()),
                ("missed".to_owned(), json!(self.missed)),
            ]));
        }
        event.remove("checks");
        self.offer(event);
    }

    fn offer(&mut self, mut event: Map<String, Value>) {
        let is_gap = !event.contains_key("id");
        event.insert("app".to_owned(), self.app.clone().into());
        match self.events.try_send(Value::Object(event)) {
            Ok(()) if is_gap => self.missed = 0,
            Err(_) if !is_gap => self.missed += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunnerId;

    fn push(log: &EventLog, kind: &'static str, fields: &str) {
        log.push(kind, Some(RunnerId::new(1)), |id| {
            let id = id.number;
            Content::Json(format!("{{\"id\":{id},\"kind\":\"{kind}\"{fields}}}").into())
        });
    }

    async fn filled(log: &Arc<EventLog>) -> Vec<Value> {
        let (queue, mut queued) = HookQueue::new("my-app".to_owned(), Arc::clone(log));
        queue.fill(watch::Sender::new(true).subscribe()).await;
        let mut events = Vec::new();
        while let Some(event) = queued.recv().await {
            events.push(event);
        }
        events
    }

    #[tokio::test]
    async fn a_hook_gets_what_an_operator_should_know_s86b() {
        let log = EventLog::new();
        push(&log, "ready", "");
        push(&log, "terminated", ",\"reason\":\"exited\"");
        push(&log, "terminated", ",\"reason\":\"stopped\"");
        push(&log, "restart_completed", "");
        let events = filled(&log).await;
        let expected = [
            json!({ "id": 2, "kind": "terminated", "reason": "exited", "app": "my-app" }),
            json!({ "id": 4, "kind": "restart_completed", "app": "my-app" }),
        ];
        assert_eq!(events, expected);
    }

    #[tokio::test]
    async fn events_beyond_the_queue_are_dropped_and_counted_s86b() {
        let log = EventLog::new();
        let (queue, mut queued) = HookQueue::new("my-app".to_owned(), Arc::clone(&log));
        let stop = watch::Sender::new(false);
        let filling = tokio::spawn(queue.fill(stop.subscribe()));
        for _ in 0..QUEUE + 10 {
            push(&log, "stalled", "");
        }
        while queued.len() < QUEUE {
            tokio::task::yield_now().await;
        }
        for id in 1..=QUEUE {
            assert_eq!(queued.recv().await.unwrap()["id"], id);
        }
        push(&log, "stalled", "");
        assert_eq!(queued.recv().await.unwrap(), json!({ "kind": "gap", "missed": 10, "app": "my-app" }));
        assert_eq!(queued.recv().await.unwrap()["id"], QUEUE + 11);
        stop.send_replace(true);
        filling.await.unwrap();
    }
}

//! Sentences about the requests of a runner, and those that wait for it.

use std::time::Duration;

use super::explanation::{Explanation, counted, time};
use crate::amounts::duration;
use crate::circumstances::Circumstances;
use crate::recent_losses::RecentLosses;
use crate::request_info::ClientWait;
use crate::snapshot::RunnerInfo;

/// A request in flight for so long may hang, also while no request waits.
const HANGS_AFTER: Duration = Duration::from_secs(10);

/// Tells what the runner works on, and what waits for it.
pub(super) fn tell_requests(told: &mut Explanation, info: &RunnerInfo, circumstances: &Circumstances) {
    let waited = circumstances.queued_for.filter(|_| info.full && circumstances.paused_for.is_none());
    if let Some(waited) = waited {
        let (permits, queued, waited) =
            (circumstances.max_multiplexing, circumstances.queued, duration(waited));
        let waits = match queued {
            1 => format!("1 request has waited for {waited}"),
            _ => format!("{queued} requests wait, the first one for {waited}"),
        };
        told.rule(
            "S116b",
            format!("All of its permits are held ({permits} at a time, `max_multiplexing`), and {waits}."),
        );
    }
    if let Some(losses) = info.recent_losses.as_ref().filter(|_| info.reason.is_none()) {
        let RecentLosses { requests, last, printed, ago } = &**losses;
        let at = circumstances.now.checked_sub(*ago).map(time).unwrap_or_default();
        let lost = counted(*requests, "request");
        told.rule("S39c", format!("It has lost {lost} since its start. The last one was {last}, at {at}."));
        match printed {
            Some(line) => told.fact(format!("At about that time it printed {line:?}, which may say why.")),
            None => told.fact(
                "It closed the connection. The host keeps no line that it printed in the 10 s before that.",
            ),
        }
    }
    let Some(oldest) = &info.oldest_request else { return };
    let since = circumstances.now.checked_sub(oldest.in_flight).map(time).unwrap_or_default();
    told.fact(format!("Its oldest request is {oldest}, since {since}."));
    if let Some(ClientWait { transfer, waited, .. }) = oldest.client_wait {
        let (missing, waited, limit) =
            (transfer.missing(), duration(waited), duration(circumstances.client_timeout));
        told.rule(
            "S43a",
            format!(
                "It waits for its client, which {missing}: for {waited} so far. `client_timeout` ({limit}, `--client-timeout`) ends that."
            ),
        );
    } else if oldest.response_begun {
        told.fact("Its response has begun.");
    }
    let may_hang = !oldest.response_begun && oldest.client_wait.is_none();
    if may_hang && (waited.is_some() || oldest.in_flight >= HANGS_AFTER) && !circumstances.bounds_requests {
        told.rule(
            "S53a",
            "If it hangs, nothing ends it, and the runner stays: set `request_timeout` (`fal-host --request-timeout`), which ends \
             such requests, or `--wedged-after`, with which the checks of a runner fail that has only such requests.",
        );
    }
}

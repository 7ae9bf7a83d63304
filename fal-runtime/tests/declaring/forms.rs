//! The forms of a health check's declaration, which all mean the same.

use fal_runtime::prelude::*;

const EXPECTED: HealthCheck = HealthCheck::new().timeout_seconds(7).call_regularly(false);

const SEVEN: u32 = 7;

macro_rules! form {
    ($app:ident: $($form:tt)+) => {
        #[derive(Default)]
        struct $app;

        #[app]
        impl $app {
            #[endpoint("/health", $($form)+)]
            async fn health(&self) {}
        }
    };
}

form!(Parentheses: health_check = HealthCheck(timeout_seconds = 7, call_regularly = false));
form!(Braces: health_check = HealthCheck { timeout_seconds: SEVEN, call_regularly: false });
form!(BracesAndRest: health_check = HealthCheck { timeout_seconds: 3 + 4, call_regularly: false, .. });
form!(Angles: health_check = HealthCheck<timeout_seconds = 7, call_regularly = { 1 > 2 }>);
form!(AnglesAndRest: health_check = HealthCheck<timeout_seconds = SEVEN, call_regularly = false, ..>);
form!(Constant: health_check = EXPECTED);
form!(Chain: health_check = HealthCheck::new().timeout_seconds(7).call_regularly(false));
form!(Path: health_check = fal_runtime::HealthCheck(timeout_seconds = 7, call_regularly = false));
form!(Positional: HealthCheck(timeout_seconds = 7, call_regularly = false));
form!(Defaults: health_check = HealthCheck);
form!(BareAngles: health_check = HealthCheck<..>);
form!(BarePositional: HealthCheck);

#[test]
fn every_form_with_the_same_settings_is_the_same_health_check() {
    for declared in [
        Parentheses::health_check(),
        Braces::health_check(),
        BracesAndRest::health_check(),
        Angles::health_check(),
        AnglesAndRest::health_check(),
        Constant::health_check(),
        Chain::health_check(),
        Path::health_check(),
        Positional::health_check(),
    ] {
        assert_eq!(declared.unwrap().config, EXPECTED);
    }
}

#[test]
fn a_form_without_settings_has_the_defaults_s3() {
    for declared in [Defaults::health_check(), BareAngles::health_check(), BarePositional::health_check()] {
        assert_eq!(declared.unwrap().config, HealthCheck::new());
    }
}

#[expect(deprecated, reason = "what it proves: rustc warns at the threshold")]
mod useless_threshold {
    use fal_runtime::prelude::*;

    #[derive(Default)]
    pub(super) struct Useless;

    #[app]
    impl Useless {
        #[endpoint("/", health_check = HealthCheck(call_regularly = false, failure_threshold = 2))]
        async fn health(&self) {}
    }
}

#[expect(deprecated, reason = "what it proves: rustc warns at the start period")]
mod useless_start_period {
    use fal_runtime::prelude::*;

    #[derive(Default)]
    pub(super) struct Useless;

    #[app]
    impl Useless {
        #[endpoint("/", health_check = HealthCheck { start_period_seconds: 9, call_regularly: false, .. })]
        async fn health(&self) {}
    }
}

#[test]
fn settings_that_mean_nothing_without_regular_calls_are_warned_of_and_hold_s4() {
    let config = useless_threshold::Useless::health_check().unwrap().config;
    assert_eq!((config.threshold(), config.is_periodic()), (2, false));
    let config = useless_start_period::Useless::health_check().unwrap().config;
    assert_eq!((config.start_period().as_secs(), config.is_periodic()), (9, false));
}

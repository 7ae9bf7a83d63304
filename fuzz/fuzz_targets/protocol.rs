//! What a host and a runner read from each other: no input may cause a panic, and what is read is written back the same.

#![no_main]

use fal_health::protocol::{Address, ListenAddress, Message, ProgressStamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(message) = Message::decode(input) {
        let again = Message::decode(message.encode().as_bytes()).expect("what is written can be read");
        match (again, message) {
            // serde_json may read a number as the next one.
            (Message::Progress(again), Message::Progress(progress)) => {
                assert_eq!(again.message, progress.message);
                assert!((again.fraction - progress.fraction).abs() <= f64::EPSILON);
            }
            (Message::Metrics(again), Message::Metrics(family)) => {
                assert_eq!((again.name, again.series.len()), (family.name, family.series.len()));
            }
            (again, message) => assert_eq!(again, message),
        }
    }
    let Ok(text) = str::from_utf8(input) else { return };
    if let Some(stamp) = ProgressStamp::parse(text) {
        assert_eq!(ProgressStamp::parse(&stamp.to_string()), Some(stamp));
    }
    if let Ok(address) = text.parse::<Address>() {
        assert_eq!(address.to_string().parse().ok(), Some(address));
    }
    // Of a host name with brackets or a zone, only the panic is of interest.
    let _ = text.parse::<ListenAddress>();
});

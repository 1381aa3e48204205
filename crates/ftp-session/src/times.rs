//! Converts times of files from and to the system's times

use std::time::{Duration, SystemTime};

use ftp_proto::Timestamp;

/// Converts a system time to FTP's form, UTC; `None` outside the years 1 to 9999
#[must_use]
pub fn timestamp(time: SystemTime) -> Option<Timestamp> {
    let (seconds, nanoseconds) = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => (i64::try_from(after.as_secs()).ok()?, after.subsec_nanos()),
        Err(before) => {
            let before = before.duration();
            let seconds = i64::try_from(before.as_secs()).ok()?.checked_neg()?;
            match before.subsec_nanos() {
                0 => (seconds, 0),
                // The fraction counts from the previous second.
                nanoseconds => (seconds.checked_sub(1)?, 1_000_000_000 - nanoseconds),
            }
        }
    };
    Timestamp::from_unix(seconds)?.with_nanosecond(nanoseconds)
}

/// Converts a time, taken as UTC, to a system time; `None` if the system can't represent it
#[must_use]
pub fn system_time(time: Timestamp) -> Option<SystemTime> {
    let seconds = time.to_unix();
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let second = match seconds {
        0.. => SystemTime::UNIX_EPOCH.checked_add(whole)?,
        _ => SystemTime::UNIX_EPOCH.checked_sub(whole)?,
    };
    second.checked_add(Duration::from_nanos(time.nanosecond().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_there_and_back() {
        for (seconds, nanoseconds, text) in [
            (0, 0, "1970-01-01T00:00:00"),
            (1_769_860_800, 250_000_000, "2026-01-31T12:00:00.250"),
            (-1, 0, "1969-12-31T23:59:59"),
            (-1, 250_000_000, "1969-12-31T23:59:59.250"),
            (-86_400, 0, "1969-12-31T00:00:00"),
        ] {
            let time = Timestamp::from_unix(seconds).unwrap().with_nanosecond(nanoseconds).unwrap();
            assert_eq!(time.to_string(), text);
            assert_eq!(timestamp(system_time(time).unwrap()), Some(time));
        }
        let half_before = SystemTime::UNIX_EPOCH - Duration::from_millis(500);
        assert_eq!(timestamp(half_before).unwrap().to_string(), "1969-12-31T23:59:59.500");
    }
}

//! Limits of the rate by the time of the day or week

use std::collections::BTreeMap;

use super::values::bytes;

const MINUTES_A_DAY: u16 = 24 * 60;

/// Limits in bytes per second, by the time of the week; `None` means no limit
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timetable {
    /// The minute of the week from which each limit holds, counted from Monday 0:00; never empty
    changes: BTreeMap<u16, Option<u64>>,
}

impl Timetable {
    /// Parses `10M`, or several `TIME,RATE`, such as `08:00,1M 18:00,off Sat-00:00,off`
    ///
    /// A time with a day replaces the same time without a day.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if !text.contains(',') {
            let limit = bytes(text).map_err(|error| format!("{error}, or a timetable"))?;
            return Ok(Self { changes: BTreeMap::from([(0, Some(limit))]) });
        }
        let (mut daily, mut weekly) = (BTreeMap::new(), BTreeMap::new());
        for word in text.split_whitespace() {
            let (time, limit) = word.split_once(',').ok_or("expected TIME,RATE TIME,RATE ...")?;
            let limit = match limit {
                "off" => None,
                limit => Some(bytes(limit).map_err(|error| format!("{error}, or off"))?),
            };
            let (day, clock) = match time.split_once('-') {
                Some((day, clock)) => (Some(weekday(day)?), clock),
                None => (None, time),
            };
            let minute = minute(clock)?;
            let before = match day {
                Some(day) => weekly.insert(day * MINUTES_A_DAY + minute, limit),
                None => daily.insert(minute, limit),
            };
            if before.is_some() {
                return Err(format!("{time} is there twice"));
            }
        }
        let mut changes = BTreeMap::new();
        for day in 0..7 {
            changes
                .extend(daily.iter().map(|(minute, limit)| (day * MINUTES_A_DAY + minute, *limit)));
        }
        changes.extend(weekly);
        Ok(Self { changes })
    }

    /// Returns the limit at a minute of the week
    fn at(&self, minute: u16) -> Option<u64> {
        let last = self.changes.range(..=minute).next_back();
        // Before the first change of the week, the last one of the previous week holds.
        last.or_else(|| self.changes.last_key_value()).and_then(|(_, limit)| *limit)
    }

    /// Returns the current limit, by this machine's clock
    pub(crate) fn now(&self) -> Option<u64> {
        if self.changes.len() == 1 {
            return self.at(0);
        }
        let now = jiff::Zoned::now();
        let day = u16::try_from(now.weekday().to_monday_zero_offset()).unwrap_or(0);
        let [hour, minute] =
            [now.hour(), now.minute()].map(|part| u16::try_from(part).unwrap_or(0));
        self.at(day * MINUTES_A_DAY + hour * 60 + minute)
    }
}

fn weekday(text: &str) -> Result<u16, String> {
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let day = (0..).zip(days).find(|(_, day)| text.eq_ignore_ascii_case(day));
    day.map(|(day, _)| day).ok_or_else(|| format!("{text} is no day; expected Mon to Sun"))
}

fn minute(text: &str) -> Result<u16, String> {
    let number = |text: &str, most: u16| {
        let is_number =
            (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|number| is_number && *number <= most)
    };
    let time = text
        .split_once(':')
        .and_then(|(hour, minute)| Some(number(hour, 23)? * 60 + number(minute, 59)?));
    time.ok_or_else(|| format!("{text} is no time; expected 00:00 to 23:59"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(table: &Timetable, day: u16, hour: u16, minute: u16) -> Option<u64> {
        table.at(day * MINUTES_A_DAY + hour * 60 + minute)
    }

    #[test]
    fn a_timetable_says_what_holds_when() {
        let one = Timetable::parse("10M/s").unwrap();
        assert_eq!((at(&one, 0, 0, 0), at(&one, 6, 23, 59)), (Some(10 << 20), Some(10 << 20)));
        let day = Timetable::parse("08:00,1k 18:30,off").unwrap();
        for (hour, minute, limit) in
            [(0, 0, None), (7, 59, None), (8, 0, Some(1024)), (18, 29, Some(1024)), (18, 30, None)]
        {
            assert!(
                (0..7).all(|weekday| at(&day, weekday, hour, minute) == limit),
                "{hour}:{minute}"
            );
        }
        let week = Timetable::parse("8:00,1k 18:00,off sat-08:00,5k Sun-12:00,7k").unwrap();
        for (weekday, hour, limit) in [
            (0, 0, None),
            (4, 9, Some(1024)),
            (5, 7, None),
            (5, 8, Some(5120)),
            (5, 18, None),
            (6, 8, Some(1024)),
            (6, 12, Some(7168)),
            (6, 18, None),
        ] {
            assert_eq!(at(&week, weekday, hour, 0), limit, "{weekday} {hour}");
        }
        // No limit from Friday evening to Monday morning.
        let weekend = Timetable::parse("Fri-18:00,off Mon-06:00,1k").unwrap();
        assert_eq!(
            [(0, 5), (0, 6), (4, 17), (4, 18), (6, 0)]
                .map(|(day, hour)| at(&weekend, day, hour, 0)),
            [None, Some(1024), Some(1024), None, None]
        );
    }

    #[test]
    fn what_is_no_timetable_is_refused() {
        for text in [
            "",
            "off",
            "0",
            "08:00",
            "08:00,",
            "08:00,0",
            "24:00,1k",
            "08:60,1k",
            "8,1k",
            "+8:00,1k",
            "08:00,1k 18:00",
            "08:00,1k,off",
            "08:00,1k 8:00,2k",
            "Mon-08:00,1k mon-08:00,2k",
            "Someday-08:00,1k",
            "08:00-18:00,1k",
            ",1k",
            "008:00,1k",
        ] {
            assert!(Timetable::parse(text).is_err(), "{text}");
        }
    }
}

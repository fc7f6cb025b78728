//! Numbers and words on their way between rows and domain values.

use crate::cause::Cause;
use std::str::FromStr;

/// A size as rows have it; no object is larger than that.
pub(crate) fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Text from outside as one line of bounded length: PostgreSQL takes no NUL, and a
/// person reads it in a list.
pub(crate) fn line(text: &str, bytes_max: usize) -> String {
    let kept = &text[..text.floor_char_boundary(bytes_max)];
    kept.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What a row says of a table's column, as a domain value.
pub(crate) struct Column {
    pub table: &'static str,
    pub name: &'static str,
}

impl Column {
    /// A number that the domain holds in a smaller or unsigned type.
    pub(crate) fn number<T: TryFrom<i64>>(&self, value: i64) -> Result<T, Cause> {
        T::try_from(value).map_err(|_| self.unreadable())
    }

    /// The same, where it may be unknown.
    pub(crate) fn number_or_none<T: TryFrom<i64>>(&self, value: Option<i64>) -> Result<Option<T>, Cause> {
        value.map(|value| self.number(value)).transpose()
    }

    /// A name, or a word of a closed list.
    pub(crate) fn word<T: FromStr>(&self, text: &str) -> Result<T, Cause> {
        text.parse().map_err(|_| self.unreadable())
    }

    /// A value that cannot be missing at this point of a row's life.
    pub(crate) fn known<T>(&self, value: Option<T>) -> Result<T, Cause> {
        value.ok_or_else(|| self.unreadable())
    }

    pub(crate) fn unreadable(&self) -> Cause {
        Cause::unreadable(self.table, self.name)
    }
}

/// The column of this name.
pub(crate) const fn of(table: &'static str, name: &'static str) -> Column {
    Column { table, name }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn text_from_outside_is_one_line_and_no_longer_than_it_may_be() {
        assert_eq!(line("a\0b\nc", 10), "a b c");
        assert_eq!(line("ééé", 5), "éé");
        assert_eq!(line("", 0), "");
    }
}

//! Writes a record's headers as one column and reads them back: a count, then name and value of each, every length a
//! little-endian u32. The reader trusts no length. Pure.

use crate::bus::Headers;

/// What stands in the column is not what `encode` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged;

/// How many bytes `encode` will give.
pub(super) fn encoded_size(headers: &Headers) -> usize {
    4 + headers.0.len() * 8 + headers.size()
}

/// The column of these headers. Lengths fit because a record's size is checked against its limit before.
pub(super) fn encode(headers: &Headers) -> Vec<u8> {
    let mut column = Vec::with_capacity(encoded_size(headers));
    put_length(&mut column, headers.0.len());
    for (name, value) in &headers.0 {
        put_length(&mut column, name.len());
        column.extend_from_slice(name.as_bytes());
        put_length(&mut column, value.len());
        column.extend_from_slice(value);
    }
    column
}

/// The headers of a column.
pub(super) fn decode(column: &[u8]) -> Result<Headers, Damaged> {
    let mut rest = column;
    let count = take_length(&mut rest)?;
    let mut headers = Headers::default();
    for _ in 0..count {
        let name = std::str::from_utf8(take_bytes(&mut rest)?).map_err(|_| Damaged)?;
        let value = take_bytes(&mut rest)?;
        headers.push(name, value);
    }
    if rest.is_empty() { Ok(headers) } else { Err(Damaged) }
}

fn put_length(column: &mut Vec<u8>, length: usize) {
    column.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

fn take_length(rest: &mut &[u8]) -> Result<usize, Damaged> {
    let (length, after) = rest.split_first_chunk::<4>().ok_or(Damaged)?;
    *rest = after;
    usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Damaged)
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Damaged> {
    let length = take_length(rest)?;
    let (bytes, after) = rest.split_at_checked(length).ok_or(Damaged)?;
    *rest = after;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_length_beyond_the_column_is_refused() {
        assert_eq!(decode(&[1, 0, 0, 0, 255, 255, 255, 255, b'a']), Err(Damaged));
    }

    #[test]
    fn a_count_beyond_the_column_is_refused() {
        assert_eq!(decode(&[255, 255, 255, 255]), Err(Damaged));
    }

    #[test]
    fn a_name_that_is_not_utf8_is_refused() {
        assert_eq!(decode(&[1, 0, 0, 0, 1, 0, 0, 0, 0xff, 0, 0, 0, 0]), Err(Damaged));
    }

    #[test]
    fn bytes_behind_the_last_header_are_refused() {
        assert_eq!(decode(&[0, 0, 0, 0, 7]), Err(Damaged));
    }

    proptest! {
        #[test]
        fn headers_come_back_as_they_were(pairs in proptest::collection::vec((".{0,8}", proptest::collection::vec(any::<u8>(), 0..9)), 0..6)) {
            let headers = Headers(pairs);
            let column = encode(&headers);
            prop_assert_eq!(column.len(), encoded_size(&headers));
            prop_assert_eq!(decode(&column), Ok(headers));
        }

        #[test]
        fn no_column_makes_the_reader_fall(column in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(headers) = decode(&column) {
                prop_assert_eq!(encode(&headers), column);
            }
        }
    }
}

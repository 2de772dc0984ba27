//! Check digits: whether a number that has some may be what it is said to be. Each takes digits only, and a number of another
//! length never fits.

/// Whether ten times the same digit is the id of a person. The sum says so, and one such holder is told of; whoever writes it to us
/// has no id at hand.
const SAME_DIGITS_COUNT: bool = false;

/// The national id of a person: ten digits, the last of them a check digit.
pub(super) fn is_national_id(number: &str) -> bool {
    let Some(digits) = digits::<10>(number) else { return false };
    let rest = digits.iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum::<u32>() % 11;
    let check = if rest < 2 { rest } else { 11 - rest };
    let same = digits.iter().all(|digit| *digit == digits[0]);
    digits[9] == check && (SAME_DIGITS_COUNT || !same)
}

/// The national id of a company: eleven digits, the last of them a check digit.
pub(super) fn is_legal_id(number: &str) -> bool {
    const WEIGHTS: [u32; 5] = [29, 27, 23, 19, 17];
    let Some(digits) = digits::<11>(number) else { return false };
    let added = digits[9] + 2;
    let weighted = digits[..10].iter().zip(WEIGHTS.iter().cycle());
    let rest = weighted.map(|(digit, weight)| (added + digit) * weight).sum::<u32>() % 11;
    let same = digits.iter().all(|digit| *digit == digits[0]);
    digits[10] == rest % 10 && !same
}

/// An Iranian bank account without its `IR`: 24 digits, of which the first two check the others.
pub(super) fn is_iban(number: &str) -> bool {
    /// `IR` as digits, as the sum wants it.
    const IR: [u32; 4] = [1, 8, 2, 7];
    let Some(digits) = digits::<24>(number) else { return false };
    let (check, account) = digits.split_at(2);
    account.iter().chain(&IR).chain(check).fold(0, |rest, digit| (10 * rest + digit) % 97) == 1
}

/// A bank card: sixteen digits that fit Luhn's sum.
pub(super) fn is_card(number: &str) -> bool {
    let Some(digits) = digits::<16>(number) else { return false };
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 = digits.chunks(2).map(|pair| doubled(pair[0]) + pair[1]).sum();
    sum.is_multiple_of(10) && digits[0] != 0
}

fn digits<const N: usize>(number: &str) -> Option<[u32; N]> {
    let digits: Option<Vec<u32>> = number.chars().map(|c| c.to_digit(10)).collect();
    digits?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_that_are_in_use_are_accepted() {
        for id in ["0499370899", "0790419904", "0084575948", "0963695398"] {
            assert!(is_national_id(id), "{id}");
        }
        for id in ["10380284790", "10100302746", "14007650912"] {
            assert!(is_legal_id(id), "{id}");
        }
        assert!(is_iban("820540102680020817909002"));
        assert!(is_card("6037701689095443"));
    }

    #[test]
    fn another_length_and_ten_times_one_digit_are_refused() {
        for wrong in ["", "049937089", "04993708990", "1111111111", "0000000000"] {
            assert!(!is_national_id(wrong), "{wrong}");
        }
        assert!(!is_legal_id("1038028479") && !is_legal_id("11111111111"));
        assert!(!is_iban("82054010268002081790900") && !is_iban("000000000000000000000000"));
        assert!(!is_card("603770168909544") && !is_card("0000000000000000"));
    }

    /// The number with the last digit with which it is valid.
    fn with_last(front: &str, is_valid: fn(&str) -> bool) -> Option<String> {
        (0..10).map(|last| format!("{front}{last}")).find(|number| is_valid(number))
    }

    fn changed(number: &str, at: usize, by: u32) -> String {
        let change = |digit: char| char::from_digit((digit.to_digit(10).unwrap() + by) % 10, 10).unwrap();
        number.char_indices().map(|(index, digit)| if index == at { change(digit) } else { digit }).collect()
    }

    proptest! {
        #[test]
        fn a_national_id_with_its_check_digit_is_accepted_and_with_one_wrong_digit_refused(
            front in "[0-9]{8}", ninth in 0_u32..10, at in 0_usize..10, by in 1_u32..10,
        ) {
            prop_assume!(front.chars().any(|digit| digit.to_digit(10) != Some(ninth)));
            let number = with_last(&format!("{front}{ninth}"), is_national_id).unwrap();
            // A rest of 1 and one of 10 have the same check digit, so that it cannot tell them apart.
            if at == 9 || !number.ends_with('1') {
                prop_assert!(!is_national_id(&changed(&number, at, by)));
            }
        }

        #[test]
        fn a_legal_id_with_its_check_digit_is_accepted_and_with_one_wrong_digit_refused(
            front in "1[0-9]{9}", at in 0_usize..11, by in 1_u32..10,
        ) {
            prop_assume!(front != "1111111111");
            let number = with_last(&front, is_legal_id).unwrap();
            // Rests of 0 and of 10 have the same check digit.
            if at == 10 || !number.ends_with('0') {
                prop_assert!(!is_legal_id(&changed(&number, at, by)));
            }
        }

        #[test]
        fn an_account_with_its_check_digits_is_accepted_and_with_one_wrong_digit_refused(
            account in "[0-9]{22}", at in 0_usize..24, by in 1_u32..10,
        ) {
            let valid: Vec<String> = (2..=98).map(|check| format!("{check:02}{account}")).filter(|n| is_iban(n)).collect();
            prop_assert_eq!(valid.len(), 1);
            prop_assert!(!is_iban(&changed(&valid[0], at, by)));
        }

        #[test]
        fn a_card_with_its_check_digit_is_accepted_and_with_one_wrong_digit_refused(
            front in "[1-9][0-9]{14}", at in 0_usize..16, by in 1_u32..10,
        ) {
            let number = with_last(&front, is_card).unwrap();
            prop_assert!(!is_card(&changed(&number, at, by)));
        }
    }
}

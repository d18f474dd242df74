//! Lists of all variants of an enumeration that the compiler checks.

/// An array of all variants, in the order of their numbers. It does not compile if a variant is missing or at another
/// place.
macro_rules! all_variants {
    ($type:ident: $($variant:ident),+ $(,)?) => {{
        // There is no arm for what is not in the list.
        const fn _is_in_list(value: $type) {
            match value {
                $($type::$variant => ()),+
            }
        }
        const LENGTH: u32 = {
            let mut number = 0;
            $(
                assert!($type::$variant as u32 == number, "the list has another order than the enumeration");
                number += 1;
            )+
            number
        };
        // Without it the constant would not be evaluated.
        assert!(LENGTH > 0);
        [$($type::$variant),+]
    }};
}

pub(crate) use all_variants;

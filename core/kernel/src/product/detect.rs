//! Run-time detection of the instructions that products use.

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod imp {
    pub fn avx512f() -> bool {
        is_x86_feature_detected!("avx512f")
    }

    pub fn bf16() -> bool {
        avx512f() && is_x86_feature_detected!("avx512bf16")
    }

    pub fn vnni() -> bool {
        avx512f() && is_x86_feature_detected!("avx512vnni")
    }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
mod imp {
    pub fn avx512f() -> bool {
        false
    }

    pub fn bf16() -> bool {
        false
    }

    pub fn vnni() -> bool {
        false
    }
}

pub(super) use imp::{avx512f, bf16, vnni};

//! Run-time detection of the instructions that products use.

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod imp {
    pub fn avx512f() -> bool {
        is_x86_feature_detected!("avx512f")
    }

    pub fn bf16() -> bool {
        avx512f() && is_x86_feature_detected!("avx512bf16")
    }

    pub fn avx512_vnni() -> bool {
        avx512f() && is_x86_feature_detected!("avx512vnni")
    }

    pub fn avx_vnni() -> bool {
        avx2() && is_x86_feature_detected!("avxvnni")
    }

    pub fn avx2() -> bool {
        is_x86_feature_detected!("avx2")
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
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
pub(super) fn dotprod() -> bool {
    std::arch::is_aarch64_feature_detected!("dotprod")
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
pub(super) use imp::{avx_vnni, avx2, avx512_vnni};
pub(super) use imp::{avx512f, bf16};

//! A program for machines without an operating system: uses layers 0 to 4 of `nearsay-core`, asks
//! the help desk of the example `no_os` and checks the answers.
//!
//! The machine must provide `nearsay_print` and call [`nearsay_main`].
#![no_std]

extern crate alloc;

#[path = "../../../core/search/examples/no_os/desk.rs"]
mod desk;
mod heap;
mod layers;

use alloc::{format, string::String};
use desk::{ASKED, Desk, DeskError, FAQ};

#[cfg_attr(target_family = "wasm", link(wasm_import_module = "env"))]
unsafe extern "C" {
    /// Prints UTF-8 text; provided by the code that starts this program.
    fn nearsay_print(text: *const u8, length: usize);
}

fn print(line: &str) {
    for text in [line, "\n"] {
        // SAFETY: pointer and length describe a text that outlives the call.
        unsafe { nearsay_print(text.as_ptr(), text.len()) };
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    print(&format!("{info}"));
    loop {}
}

/// Runs everything and prints the results; returns 0 if all of them are right.
#[unsafe(no_mangle)]
pub extern "C" fn nearsay_main() -> i32 {
    let right = match run() {
        Ok(right) => right,
        Err(error) => {
            print(&error);
            false
        }
    };
    print(if right {
        "all is well"
    } else {
        "something is wrong"
    });
    i32::from(!right)
}

fn run() -> Result<bool, String> {
    let mut right = layers::run(&mut |line| print(line))?;
    let told = |error: DeskError| format!("{error}");
    let desk = Desk::open().map_err(told)?;
    for (question, expected) in ASKED {
        match desk.answer(question).map_err(told)? {
            Some((answer, score)) => {
                print(&format!("{question}\n  {answer} ({score:?})"));
                right &= answer == FAQ[expected as usize].1;
            }
            None => right = false,
        }
    }
    Ok(right)
}

//! Starts the program on a bare Cortex-M4 with 4 MB of code, 4 MB of data and 16 MB of further memory
//! at the addresses in `cortex_m.ld`: the board `mps2-an386`, which QEMU emulates. Talks to the
//! debugger (QEMU) by semihosting: a breakpoint with a request in the first two registers.
//!
//! The loader fills the data memory, as QEMU and debuggers do. To start from flash, the startup code
//! would have to copy `.data` and clear `.bss` first.
#![no_std]
#![no_main]

use core::arch::asm;
use nearsay_no_std::nearsay_main;

/// Vector table at address 0: initial stack pointer, entry point, and handlers for the processor's 14
/// faults and exceptions.
#[repr(C)]
struct Vectors {
    stack: *const u8,
    start: extern "C" fn() -> !,
    faults: [extern "C" fn() -> !; 14],
}

// SAFETY: nothing writes to it.
unsafe impl Sync for Vectors {}

unsafe extern "C" {
    /// The end of the data memory, from `cortex_m.ld`.
    static STACK: u8;
}

#[used]
#[unsafe(link_section = ".vectors")]
static VECTORS: Vectors = Vectors {
    stack: &raw const STACK,
    start,
    faults: [fault; 14],
};

extern "C" fn start() -> ! {
    const ACCESS_TO_COPROCESSORS: *mut u32 = 0xE000_ED88 as *mut u32;
    // SAFETY: this register turns on the floating-point unit (10 and 11), and the barriers ensure
    // that it is on before the next instruction.
    unsafe {
        ACCESS_TO_COPROCESSORS.write_volatile(ACCESS_TO_COPROCESSORS.read_volatile() | 0xF << 20);
        asm!("dsb", "isb");
    }
    exit(nearsay_main() == 0)
}

extern "C" fn fault() -> ! {
    exit(false)
}

#[unsafe(no_mangle)]
extern "C" fn nearsay_print(text: *const u8, length: usize) {
    for place in 0..length {
        // SAFETY: the caller's text has this many bytes. SYS_WRITEC takes the address of one.
        unsafe { semihosting(0x03, text.add(place) as usize) };
    }
}

fn exit(good: bool) -> ! {
    // SYS_EXIT takes the reason: success or an error.
    let reason = if good { 0x2_0026 } else { 0x2_0023 };
    loop {
        // SAFETY: ends the program.
        unsafe { semihosting(0x18, reason) };
    }
}

/// Sends a request to the debugger.
///
/// # Safety
/// Number and argument must follow the Arm semihosting specification.
unsafe fn semihosting(request: usize, argument: usize) {
    // SAFETY: the debugger changes the first register only.
    unsafe { asm!("bkpt 0xAB", inout("r0") request => _, in("r1") argument) };
}

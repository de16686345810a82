//! Allocator of the program: three megabytes, never freed.

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    ptr::null_mut,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

const SIZE: usize = 3 << 20;

/// Bump allocator that never frees.
#[repr(align(16))]
struct Heap {
    bytes: UnsafeCell<[u8; SIZE]>,
    used: AtomicUsize,
}

// SAFETY: `used` hands out no byte twice, on any number of threads.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap {
    bytes: UnsafeCell::new([0; SIZE]),
    used: AtomicUsize::new(0),
};

// SAFETY: allocations lie within `bytes`, are aligned as requested (`bytes` is aligned to 16, and
// larger alignments fail), and don't overlap, since `used` only grows.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > 16 {
            return null_mut();
        }
        let start = |used: usize| used.next_multiple_of(layout.align());
        let end = |used: usize| {
            start(used)
                .checked_add(layout.size())
                .filter(|&end| end <= SIZE)
        };
        match self.used.fetch_update(Relaxed, Relaxed, end) {
            // SAFETY: `start` lies within `bytes`, since the end after it does.
            Ok(used) => unsafe { self.bytes.get().cast::<u8>().add(start(used)) },
            Err(_) => null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

//! The packed right-hand side of a product.

use super::{LANES, VECTORS, Word};

/// One vector of words.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line<W>(pub(super) [W; LANES]);

/// The packed right-hand side of products, `[depth, columns]`, with the depth counted in words.
///
/// The columns are divided into panels of 48; the last panel has 16, 32 or 48. A panel holds word `k` of all its
/// columns, followed by word `k + 1`.
pub struct Panels<W> {
    pub(super) lines: Vec<Line<W>>,
    pub(super) depth: usize,
    pub(super) columns: usize,
}

impl<W: Word> Panels<W> {
    /// Creates panels of zeros, to be written by [`fill`](Self::fill).
    ///
    /// # Panics
    /// If `columns` is not a multiple of [`LANES`].
    pub fn new(depth: usize, columns: usize) -> Self {
        assert!(columns.is_multiple_of(LANES), "{columns} columns");
        Self {
            lines: vec![Line([W::default(); LANES]); depth * columns / LANES],
            depth,
            columns,
        }
    }

    /// Words in each column.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Changes the shape, keeping the memory. The contents are unspecified until the next [`fill`](Self::fill).
    ///
    /// # Panics
    /// If `columns` is not a multiple of [`LANES`].
    pub fn reshape(&mut self, depth: usize, columns: usize) {
        assert!(columns.is_multiple_of(LANES), "{columns} columns");
        let lines = depth * columns / LANES;
        self.lines.resize(lines, Line([W::default(); LANES]));
        (self.depth, self.columns) = (depth, columns);
    }

    /// Writes every vector: `write(k, column, words)` fills `words` with word `k` of the [`LANES`] columns starting
    /// at `column`.
    pub fn fill(&mut self, mut write: impl FnMut(usize, usize, &mut [W; LANES])) {
        let width = VECTORS * LANES;
        let panels = self.lines.chunks_mut((self.depth * VECTORS).max(1));
        for (panel, lines) in panels.enumerate() {
            let vectors = VECTORS.min((self.columns - panel * width) / LANES);
            for (k, lines) in lines.chunks_exact_mut(vectors).enumerate() {
                for (vector, line) in lines.iter_mut().enumerate() {
                    write(k, panel * width + vector * LANES, &mut line.0);
                }
            }
        }
    }
}

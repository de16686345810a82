use crate::tensor::Tensor;
use alloc::vec::Vec;

/// Growable list of tensor rows with access by index.
///
/// Pushed parts are merged so that each is at least twice as long as the next. There are at most
/// about `log₂ n` parts, and each row is copied about `log n` times.
#[derive(Clone, Debug)]
pub(crate) struct Rows<T> {
    parts: Vec<T>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { parts: Vec::new() }
    }
}

impl<T: Tensor> Rows<T> {
    /// Number of rows.
    pub(crate) fn count(&self) -> usize {
        self.parts.iter().map(|part| part.dims().0).sum()
    }

    /// Appends rows `[n, d]`.
    pub(crate) fn push(&mut self, part: T) -> Result<(), T::Error> {
        let mut rows = part.dims().0;
        let mut keep = self.parts.len();
        while keep > 0 && self.parts[keep - 1].dims().0 < 2 * rows {
            keep -= 1;
            rows += self.parts[keep].dims().0;
        }
        let whole = if keep == self.parts.len() {
            part
        } else {
            let mut merged = self.parts[keep..].to_vec();
            merged.push(part);
            T::concat_rows(&merged)?
        };
        self.parts.truncate(keep);
        self.parts.push(whole);
        Ok(())
    }

    /// Gathers rows by index, in the given order and with repeats: `[numbers.len(), d]`. Returns
    /// `None` if the list is empty. Indices must be below [`count`](Self::count).
    pub(crate) fn gather(&self, numbers: &[usize]) -> Result<Option<T>, T::Error> {
        if let [all] = self.parts.as_slice() {
            let numbers: Vec<u32> = numbers.iter().map(|&number| number as u32).collect();
            return all.select_rows(&numbers).map(Some);
        }
        let mut row_of = alloc::vec![0u32; numbers.len()];
        let (mut found, mut rows, mut start) = (Vec::new(), 0, 0);
        for part in &self.parts {
            let end = start + part.dims().0;
            let mut own = Vec::new();
            for (row, &number) in row_of.iter_mut().zip(numbers) {
                if (start..end).contains(&number) {
                    *row = rows;
                    rows += 1;
                    own.push((number - start) as u32);
                }
            }
            if !own.is_empty() {
                found.push(part.select_rows(&own)?);
            }
            start = end;
        }
        match (found.as_slice(), self.parts.first()) {
            ([], None) => Ok(None),
            ([], Some(part)) => part.select_rows(&[]).map(Some),
            // Rows of a single part are in order already.
            ([all], _) => Ok(Some(all.clone())),
            (several, _) => T::concat_rows(several)?.select_rows(&row_of).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn gather_returns_pushed_rows(
            parts in prop::collection::vec(1usize..9, 1..12),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let mut rows = Rows::default();
            let mut n = 0;
            for part in parts {
                let data: Vec<f32> = (n..n + part).map(|row| row as f32).collect();
                rows.push(Matrix::new(part, 1, data).unwrap()).unwrap();
                n += part;
                prop_assert!(rows.parts.windows(2).all(|w| w[0].rows() >= 2 * w[1].rows()));
            }
            prop_assert_eq!(rows.count(), n);
            let numbers: Vec<usize> = picks.iter().map(|pick| pick.index(n)).collect();
            let expected: Vec<f32> = numbers.iter().map(|&number| number as f32).collect();
            let found = rows.gather(&numbers).unwrap().unwrap();
            prop_assert_eq!(found.dims(), (numbers.len(), 1));
            prop_assert_eq!(found.data(), expected);
        }
    }

    #[test]
    fn gather_returns_none_without_rows() {
        assert!(Rows::<Matrix>::default().gather(&[]).unwrap().is_none());
    }
}

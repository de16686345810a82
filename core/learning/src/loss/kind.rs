use alloc::string::String;
use core::{fmt, str::FromStr};

/// A built-in loss by name, with the defaults of its type.
///
/// The names are those of the command line and of settings files.
///
/// | kind | name | targets |
/// | --- | --- | --- |
/// | [`MultipleNegativesRanking`](Self::MultipleNegativesRanking) | `multiple_negatives_ranking` | pairs |
/// | [`GuidedRanking`](Self::GuidedRanking) | `guided_ranking` | pairs |
/// | [`Contrastive`](Self::Contrastive) | `contrastive` | pairs |
/// | [`OnlineContrastive`](Self::OnlineContrastive) | `online_contrastive` | groups |
/// | [`Triplet`](Self::Triplet) | `triplet` | groups |
/// | [`Circle`](Self::Circle) | `circle` | groups |
/// | [`FastAp`](Self::FastAp) | `fast_ap` | groups |
/// | [`Softmax`](Self::Softmax) | `softmax` | groups |
/// | [`ArcFace`](Self::ArcFace) | `arc_face` | groups |
/// | [`CosFace`](Self::CosFace) | `cos_face` | groups |
/// | [`Center`](Self::Center) | `center` | groups |
///
/// ```
/// use nearsay_core::loss::LossKind;
///
/// assert_eq!("triplet".parse(), Ok(LossKind::Triplet));
/// assert_eq!(LossKind::default().name(), "multiple_negatives_ranking");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LossKind {
    /// [`MultipleNegativesRanking`](super::MultipleNegativesRanking), the default.
    #[default]
    MultipleNegativesRanking,
    /// [`GuidedRanking`](super::GuidedRanking), with the base encoder as the guide.
    GuidedRanking,
    /// [`Contrastive`](super::Contrastive).
    Contrastive,
    /// [`OnlineContrastive`](super::OnlineContrastive).
    OnlineContrastive,
    /// [`Triplet`](super::Triplet).
    Triplet,
    /// [`Circle`](super::Circle).
    Circle,
    /// [`FastAp`](super::FastAp).
    FastAp,
    /// [`Softmax`](super::Softmax).
    Softmax,
    /// [`ArcFace`](super::ArcFace).
    ArcFace,
    /// [`CosFace`](super::CosFace).
    CosFace,
    /// [`Center`](super::Center) added to [`Softmax`](super::Softmax), since it collapses alone.
    Center,
}

impl LossKind {
    /// Every built-in loss.
    pub const ALL: [Self; 11] = [
        Self::MultipleNegativesRanking,
        Self::GuidedRanking,
        Self::Contrastive,
        Self::OnlineContrastive,
        Self::Triplet,
        Self::Circle,
        Self::FastAp,
        Self::Softmax,
        Self::ArcFace,
        Self::CosFace,
        Self::Center,
    ];

    /// Name on the command line and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MultipleNegativesRanking => "multiple_negatives_ranking",
            Self::GuidedRanking => "guided_ranking",
            Self::Contrastive => "contrastive",
            Self::OnlineContrastive => "online_contrastive",
            Self::Triplet => "triplet",
            Self::Circle => "circle",
            Self::FastAp => "fast_ap",
            Self::Softmax => "softmax",
            Self::ArcFace => "arc_face",
            Self::CosFace => "cos_face",
            Self::Center => "center",
        }
    }

    /// Whether this is the default, which settings files leave out.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for LossKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for LossKind {
    type Err = UnknownLoss;

    fn from_str(name: &str) -> Result<Self, UnknownLoss> {
        let found = Self::ALL.into_iter().find(|loss| loss.name() == name);
        found.ok_or_else(|| UnknownLoss { name: name.into() })
    }
}

/// A loss name that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLoss {
    /// The name given.
    pub name: String,
}

impl fmt::Display for UnknownLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no loss “{}”; choose one of ", self.name)?;
        for (number, loss) in LossKind::ALL.into_iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            write!(f, "{comma}{loss}")?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownLoss {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn loss_kinds_parse_from_their_names() {
        for kind in LossKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        let error = "tripelt".parse::<LossKind>().unwrap_err().to_string();
        assert!(error.ends_with("cos_face, center"), "{error}");
    }
}

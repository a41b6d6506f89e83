"""Healing of nodes: which are not well, which may be healed and how, and what came of it before. Rules for whoever asks for it."""

from .diagnosis import diagnose
from .past import AUTO, Past, past, remedies
from .plan import Means, Plan, Remedy, as_details, means_of, plan_healing, summary
from .terms import LABELS, Terms, is_anothers, is_wished

__all__ = [
    "AUTO",
    "LABELS",
    "Means",
    "Past",
    "Plan",
    "Remedy",
    "Terms",
    "as_details",
    "diagnose",
    "is_anothers",
    "is_wished",
    "means_of",
    "past",
    "plan_healing",
    "remedies",
    "summary",
]

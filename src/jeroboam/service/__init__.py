"""Use cases of the API: authorise, validate, keep the intent. No HTTP, no wire names; one function for each.

Sentences that clients know by heart are kept word for word, and so are Magnum's policy rules and names of default groups.
"""

from .policy import Policy, Target
from .services import Asker, NetworkDrivers, Services, ServiceSettings

__all__ = ["Asker", "NetworkDrivers", "Policy", "ServiceSettings", "Services", "Target"]

"""What to do: actions ranked by expected gain, and the headline. Pure functions of findings, measurements and scores."""

from storehealth.advise.recommendations import advise
from storehealth.advise.wording import add_question, compose_headline, compose_unscored, list_proven

__all__ = ["add_question", "advise", "compose_headline", "compose_unscored", "list_proven"]

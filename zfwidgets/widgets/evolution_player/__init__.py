"""How features form while a network trains, as a figure and as a film (Fig. 4)."""

from zfwidgets.widgets.evolution_player.widget import EvolutionPlayer

__all__ = ["EvolutionPlayer"]

"""What language a text is in, as far as its script and its small words say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.skills.language import UNKNOWN, language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Please summarise the attached contract for the board, and say what it is that we owe.", "English"),
        ("Bitte fasse den Vertrag für die Leitung zusammen und nenne auch, was wir nicht zahlen.", "German"),
        ("Résume le contrat pour la direction, et dis ce que nous devons dans les deux mois.", "French"),
        ("Resume el contrato para la dirección y di lo que se debe pagar en los dos meses.", "Spanish"),
        ("Riassumi il contratto per la direzione e di quello che non è pagato, con gli importi della rata.", "Italian"),
        ("Resuma o contrato para a direção, também o que não foi pago pela empresa e os prazos.", "Portuguese"),
        ("Vat het contract samen voor de leiding en zeg ook wat er niet is betaald van het bedrag.", "Dutch"),
        ("Streść umowę dla zarządu i powiedz, że nie jest zapłacona, oraz jak się to rozliczy.", "Polish"),
        ("Кратко изложи договор для руководства.", "Cyrillic script"),
        ("契約を要約してください。", "Japanese"),
        ("请总结这份合同。", "Chinese"),
        ("계약을 요약해 주세요.", "Korean"),
        ("INV-2231 net 41.20 EUR", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_the_language_of_a_text(text: str, language: str) -> None:
    assert language_of(text) == language


@given(st.text(max_size=200))
def test_any_text_has_an_answer(text: str) -> None:
    assert language_of(text)

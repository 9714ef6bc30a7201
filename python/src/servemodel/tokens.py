"""scikit-learn's words in an ONNX graph.

skl2onnx writes a tokenizer for ASCII letters only, after lower-casing, which turns İ into one letter where Python makes
two characters. Here the text is split first, by the characters that Python counts as parts of words, and then
lower-cased. Each text is a step of a Scan: in one batch, all would be padded to the longest.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import onnx
from onnx import TensorProto, helper
from sklearn.base import BaseEstimator
from sklearn.feature_extraction.text import CountVectorizer

from servemodel.errors import ExportError

DEFAULT_TOKENS = r"(?u)\b\w\w+\b"
# The only letter whose lower case is two characters; the second one ends a word.
DOTTED_I = "\u0130"


def has_default_tokens(vectorizer: CountVectorizer) -> bool:
    """Whether its words are those of scikit-learn's default pattern."""
    return bool(vectorizer.analyzer == "word" and vectorizer.token_pattern == DEFAULT_TOKENS)


def word_characters(leave_out: str = "") -> str:
    """The inside of a character class: what Python's \\w matches, as ranges."""
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if not (character.isalnum() or character == "_") or character in leave_out:
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in ranges)


def token_expression(lowercase: bool) -> str:
    """scikit-learn's default words, on a text before it is lower-cased."""
    if not lowercase:
        return f"[{word_characters()}]{{2,}}"
    inside = word_characters(leave_out=DOTTED_I)
    return f"[{inside}]+{DOTTED_I}|[{inside}]{{2,}}"


def _words(expression: str, lowercase: bool, text: str, tokens: str) -> list[onnx.NodeProto]:
    """Nodes from one text [1] to its words [1, T]. A mark is put before them, since T may not be 0."""
    tokenizer = helper.make_node(
        "Tokenizer", [text], ["words_cut"], domain="com.microsoft",
        mark=0, mincharnum=1, pad_value="#", tokenexp=expression,
    )  # fmt: skip
    nodes = [
        tokenizer,
        helper.make_node("Reshape", ["words_cut", "flat_shape"], ["words_flat"]),
        helper.make_node("Concat", ["mark", "words_flat"], ["words_marked"], axis=0),
    ]
    last = "words_marked"
    if lowercase:
        nodes.append(
            helper.make_node(
                "StringNormalizer",
                [last],
                ["words_lower"],
                case_change_action="LOWER",
                is_case_sensitive=1,
                locale="C.UTF-8",
            )  # fmt: skip
        )
        last = "words_lower"
    nodes.append(helper.make_node("Reshape", [last, "row_shape"], [tokens]))
    return nodes


def _count_each(
    vectorizer: onnx.NodeProto, texts: str, number: int, expression: str, lowercase: bool
) -> list[onnx.NodeProto]:
    """Nodes that give the counts [N, V] of texts [N], one text after the other."""
    prefix = f"words{number}"
    count = onnx.NodeProto()
    count.CopyFrom(vectorizer)
    del count.input[:], count.output[:]
    count.input.append("words")
    count.output.append("counts")
    body = helper.make_graph(
        [
            helper.make_node("Reshape", ["row", "flat_shape"], ["row_index"]),
            helper.make_node("Gather", [texts, "row_index"], ["one_text"], axis=0),
            *_words(expression, lowercase, "one_text", "words"),
            count,
            helper.make_node("Reshape", ["counts", "flat_shape"], ["counts_flat"]),
        ],
        prefix,
        [helper.make_tensor_value_info("row", TensorProto.INT64, [])],
        [helper.make_tensor_value_info("counts_flat", TensorProto.FLOAT, [None])],
        [
            helper.make_tensor("flat_shape", TensorProto.INT64, [1], [-1]),
            helper.make_tensor("row_shape", TensorProto.INT64, [2], [1, -1]),
            helper.make_tensor("mark", TensorProto.STRING, [1], [b"#"]),
        ],
    )
    scalars = {"first": 0, "step": 1}
    return [
        *(
            helper.make_node(
                "Constant", [], [f"{prefix}_{name}"], value=helper.make_tensor(name, TensorProto.INT64, [], [value])
            )
            for name, value in scalars.items()
        ),
        helper.make_node("Size", [texts], [f"{prefix}_rows"]),
        helper.make_node("Range", [f"{prefix}_first", f"{prefix}_rows", f"{prefix}_step"], [f"{prefix}_order"]),
        # Not a Loop: the server refuses it, since it may run forever.
        helper.make_node(
            "Scan", [f"{prefix}_order"], [vectorizer.output[0]], name=prefix, body=body, num_scan_inputs=1
        ),
    ]


def _producer(graph: onnx.GraphProto, output: str) -> onnx.NodeProto | None:
    """The node that makes a tensor; none for an input of the graph."""
    return next((node for node in graph.node if output in node.output), None)


def use_exact_tokens(model: onnx.ModelProto, steps: Iterable[BaseEstimator]) -> None:
    """Replace the tokenizers of vectorizers that look for scikit-learn's default words."""
    vectorizers = [step for step in steps if isinstance(step, CountVectorizer)]
    if len(vectorizers) > 1:
        # The graph doesn't show which nodes belong to which vectorizer.
        raise ExportError("a model with more than one text vectorizer can't be exported")
    if not any(has_default_tokens(step) for step in vectorizers):
        return
    lowercase = vectorizers[0].lowercase
    expression = token_expression(lowercase)
    graph = model.graph
    nodes: list[onnx.NodeProto] = []
    dropped: set[str] = set()
    for number, node in enumerate(graph.node):
        if node.op_type != "TfIdfVectorizer":
            nodes.append(node)
            continue
        # Backwards over Flatten, Tokenizer, StringNormalizer, as far as the texts [N] or [N, 1].
        texts = node.input[0]
        while (before := _producer(graph, texts)) and before.op_type in ("Flatten", "Tokenizer", "StringNormalizer"):
            dropped.update(before.output)
            texts = before.input[0]
        nodes += _count_each(node, texts, number, expression, lowercase)
    del graph.node[:]
    graph.node.extend(node for node in nodes if not dropped.intersection(node.output))

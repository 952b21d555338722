#pragma once

/// The text form of graphs and programs: `print(parse(text)) == text`.
///
///     graph "mlp" {
///       %0 = input() {name = "x"} : f32[batch, 4]
///       %1 = constant() {value = f32[] 0.5} : f32[]
///       %2, %3 = split(%0) {axis = 1} : f32[batch, 2], f32[batch, 2] @"layer"
///       %4 = branch(%2, %3) {} ({
///         ...nested graph...
///       }, { ... }) : f32[]
///       return %4 as "y", %2 as "z"
///     }
///
/// Floats are printed in their shortest form that reads back bit-equal; constants of up to 16
/// elements as numbers, longer ones as the hexadecimal of their little-endian bytes; a dimension's
/// name is quoted where it is no word. The parser
/// infers types again and refuses a text whose stated types differ; errors name line and column.

#include <string>
#include <string_view>

#include "brisk/ir/graph.h"
#include "brisk/ir/op.h"
#include "brisk/ir/program.h"

namespace brisk {

std::string print(const Graph& graph);
std::string print(const Program& program);

/// Limits (nesting depth, sizes of constants) keep hostile texts from exhausting memory.
Result<Graph> parse_graph(std::string_view text, const OpSetPtr& ops);
Result<Program> parse_program(std::string_view text, const OpSetPtr& ops);

}  // namespace brisk

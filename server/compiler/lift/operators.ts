import { binarizer, binary, imputer, scaler } from './arithmetic.ts';
import { cast } from './casts.ts';
import { labelEncoder, oneHotEncoder } from './categories.ts';
import {
  arrayFeatureExtractor,
  concat,
  featureVectorizer,
  gather,
  identity,
  reshape,
  split,
} from './layout.ts';
import type { Operator } from './operator.ts';
import { reduceSum } from './reduceSum.ts';

/** The supported operators, by domain and name. */
const OPERATORS: Readonly<Record<string, Readonly<Record<string, Operator>>>> = {
  '': {
    Add: binary,
    Cast: cast,
    Concat: concat,
    Div: binary,
    Gather: gather,
    Identity: identity,
    Mul: binary,
    ReduceSum: reduceSum,
    Reshape: reshape,
    Split: split,
    Sub: binary,
  },
  'ai.onnx.ml': {
    ArrayFeatureExtractor: arrayFeatureExtractor,
    Binarizer: binarizer,
    FeatureVectorizer: featureVectorizer,
    Imputer: imputer,
    LabelEncoder: labelEncoder,
    OneHotEncoder: oneHotEncoder,
    Scaler: scaler,
  },
};

/** Since then Cast's target is a number, Reshape's shape an input and broadcasting is numpy's. */
const OLDEST_OPSET = 7;

/** The operator, if it is supported in this version of its operator set. */
export function operatorFor(domain: string, op: string, opset: number): Operator | undefined {
  if (domain === '' && opset < OLDEST_OPSET) return undefined;
  const operators = Object.hasOwn(OPERATORS, domain) ? OPERATORS[domain] : undefined;
  return operators !== undefined && Object.hasOwn(operators, op) ? operators[op] : undefined;
}

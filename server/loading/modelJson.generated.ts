// Made of models/model.schema.json by npm run build:schema.
// @ts-nocheck
"use strict";
export const validate = validate20;
export default validate20;
const schema31 = {"type":"object","additionalProperties":false,"required":["task","inputs","outputs"],"properties":{"$schema":{"type":"string"},"description":{"type":"string"},"task":{"enum":["classification","regression"]},"framework":{"type":"string"},"created":{"type":"string"},"sha256":{"type":"string","pattern":"^[0-9a-f]{64}$"},"inputs":{"type":"array","minItems":1,"items":{"$ref":"#/$defs/input"}},"outputs":{"type":"object","additionalProperties":false,"properties":{"label":{"type":"string"},"probabilities":{"type":"string"},"classes":{"type":"array","minItems":1,"uniqueItems":true,"items":{"type":["string","integer"]}},"value":{"type":"string"},"distribution":{"$ref":"#/$defs/distribution"}}},"metrics":{"type":"object","additionalProperties":{"type":["number","string"]}},"routes":{"type":"array","uniqueItems":true,"maxItems":16,"items":{"type":"string","maxLength":128,"pattern":"^(/[A-Za-z0-9][A-Za-z0-9._~-]*)+$"}},"answer":{"type":"object","additionalProperties":false,"required":["key"],"properties":{"key":{"type":"string","minLength":1},"decimals":{"type":"integer","minimum":0,"maximum":15}}}},"if":{"properties":{"task":{"const":"regression"}}},"then":{"properties":{"outputs":{"required":["value"]}}},"else":{"properties":{"outputs":{"required":["label","probabilities","classes"]}}},"$defs":{"share":{"type":"number","minimum":0,"maximum":1},"distribution":{"type":"object","additionalProperties":false,"required":["rows","shares"],"properties":{"rows":{"type":"integer","minimum":1},"edges":{"type":"array","minItems":1,"maxItems":100,"items":{"type":"number"}},"shares":{"type":"array","minItems":1,"items":{"$ref":"#/$defs/share"}},"other":{"$ref":"#/$defs/share"},"missing":{"$ref":"#/$defs/share"}}},"input":{"type":"object","additionalProperties":false,"required":["name","onnx","type","nullable"],"properties":{"name":{"type":"string","minLength":1},"onnx":{"type":"string","minLength":1},"type":{"enum":["string","number","integer","boolean"]},"nullable":{"type":"boolean"},"categories":{"type":"array","uniqueItems":true,"items":{"type":"string"}},"range":{"type":"array","minItems":2,"maxItems":2,"items":{"type":"number"}},"example":{},"distribution":{"$ref":"#/$defs/distribution"}},"allOf":[{"if":{"properties":{"type":{"const":"string"}}},"then":{"properties":{"example":{"type":"string"}}}},{"if":{"properties":{"type":{"const":"number"}}},"then":{"properties":{"example":{"type":"number","minimum":-3.4e+38,"maximum":3.4e+38}}}},{"if":{"properties":{"type":{"const":"integer"}}},"then":{"properties":{"example":{"type":"integer","minimum":-9007199254740991,"maximum":9007199254740991}}}},{"if":{"properties":{"type":{"const":"boolean"}}},"then":{"properties":{"example":{"type":"boolean"}}}}]}}};
const func1 = Object.prototype.hasOwnProperty;
const func2 = (text) => Array.from(text).length;
const pattern4 = new RegExp("^[0-9a-f]{64}$", "u");
const pattern5 = new RegExp("^(/[A-Za-z0-9][A-Za-z0-9._~-]*)+$", "u");
const schema32 = {"type":"object","additionalProperties":false,"required":["name","onnx","type","nullable"],"properties":{"name":{"type":"string","minLength":1},"onnx":{"type":"string","minLength":1},"type":{"enum":["string","number","integer","boolean"]},"nullable":{"type":"boolean"},"categories":{"type":"array","uniqueItems":true,"items":{"type":"string"}},"range":{"type":"array","minItems":2,"maxItems":2,"items":{"type":"number"}},"example":{},"distribution":{"$ref":"#/$defs/distribution"}},"allOf":[{"if":{"properties":{"type":{"const":"string"}}},"then":{"properties":{"example":{"type":"string"}}}},{"if":{"properties":{"type":{"const":"number"}}},"then":{"properties":{"example":{"type":"number","minimum":-3.4e+38,"maximum":3.4e+38}}}},{"if":{"properties":{"type":{"const":"integer"}}},"then":{"properties":{"example":{"type":"integer","minimum":-9007199254740991,"maximum":9007199254740991}}}},{"if":{"properties":{"type":{"const":"boolean"}}},"then":{"properties":{"example":{"type":"boolean"}}}}]};
const schema33 = {"type":"object","additionalProperties":false,"required":["rows","shares"],"properties":{"rows":{"type":"integer","minimum":1},"edges":{"type":"array","minItems":1,"maxItems":100,"items":{"type":"number"}},"shares":{"type":"array","minItems":1,"items":{"$ref":"#/$defs/share"}},"other":{"$ref":"#/$defs/share"},"missing":{"$ref":"#/$defs/share"}}};
const schema34 = {"type":"number","minimum":0,"maximum":1};

function validate22(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate22.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((data.rows === undefined) && (missing0 = "rows")) || ((data.shares === undefined) && (missing0 = "shares"))){
validate22.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0},message:"must have required property '"+missing0+"'"}];
return false;
}
else {
const _errs1 = errors;
for(const key0 in data){
if(!(((((key0 === "rows") || (key0 === "edges")) || (key0 === "shares")) || (key0 === "other")) || (key0 === "missing"))){
validate22.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},message:"must NOT have additional properties"}];
return false;
break;
}
}
if(_errs1 === errors){
if(data.rows !== undefined){
let data0 = data.rows;
const _errs2 = errors;
if(!(((typeof data0 == "number") && (!(data0 % 1) && !isNaN(data0))) && (isFinite(data0)))){
validate22.errors = [{instancePath:instancePath+"/rows",schemaPath:"#/properties/rows/type",keyword:"type",params:{type: "integer"},message:"must be integer"}];
return false;
}
if(errors === _errs2){
if((typeof data0 == "number") && (isFinite(data0))){
if(data0 < 1 || isNaN(data0)){
validate22.errors = [{instancePath:instancePath+"/rows",schemaPath:"#/properties/rows/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1"}];
return false;
}
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.edges !== undefined){
let data1 = data.edges;
const _errs4 = errors;
if(errors === _errs4){
if(Array.isArray(data1)){
if(data1.length > 100){
validate22.errors = [{instancePath:instancePath+"/edges",schemaPath:"#/properties/edges/maxItems",keyword:"maxItems",params:{limit: 100},message:"must NOT have more than 100 items"}];
return false;
}
else {
if(data1.length < 1){
validate22.errors = [{instancePath:instancePath+"/edges",schemaPath:"#/properties/edges/minItems",keyword:"minItems",params:{limit: 1},message:"must NOT have fewer than 1 items"}];
return false;
}
else {
var valid1 = true;
const len0 = data1.length;
for(let i0=0; i0<len0; i0++){
let data2 = data1[i0];
const _errs6 = errors;
if(!((typeof data2 == "number") && (isFinite(data2)))){
validate22.errors = [{instancePath:instancePath+"/edges/" + i0,schemaPath:"#/properties/edges/items/type",keyword:"type",params:{type: "number"},message:"must be number"}];
return false;
}
var valid1 = _errs6 === errors;
if(!valid1){
break;
}
}
}
}
}
else {
validate22.errors = [{instancePath:instancePath+"/edges",schemaPath:"#/properties/edges/type",keyword:"type",params:{type: "array"},message:"must be array"}];
return false;
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.shares !== undefined){
let data3 = data.shares;
const _errs8 = errors;
if(errors === _errs8){
if(Array.isArray(data3)){
if(data3.length < 1){
validate22.errors = [{instancePath:instancePath+"/shares",schemaPath:"#/properties/shares/minItems",keyword:"minItems",params:{limit: 1},message:"must NOT have fewer than 1 items"}];
return false;
}
else {
var valid2 = true;
const len1 = data3.length;
for(let i1=0; i1<len1; i1++){
let data4 = data3[i1];
const _errs10 = errors;
const _errs11 = errors;
if(errors === _errs11){
if((typeof data4 == "number") && (isFinite(data4))){
if(data4 > 1 || isNaN(data4)){
validate22.errors = [{instancePath:instancePath+"/shares/" + i1,schemaPath:"#/$defs/share/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1},message:"must be <= 1"}];
return false;
}
else {
if(data4 < 0 || isNaN(data4)){
validate22.errors = [{instancePath:instancePath+"/shares/" + i1,schemaPath:"#/$defs/share/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0"}];
return false;
}
}
}
else {
validate22.errors = [{instancePath:instancePath+"/shares/" + i1,schemaPath:"#/$defs/share/type",keyword:"type",params:{type: "number"},message:"must be number"}];
return false;
}
}
var valid2 = _errs10 === errors;
if(!valid2){
break;
}
}
}
}
else {
validate22.errors = [{instancePath:instancePath+"/shares",schemaPath:"#/properties/shares/type",keyword:"type",params:{type: "array"},message:"must be array"}];
return false;
}
}
var valid0 = _errs8 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.other !== undefined){
let data5 = data.other;
const _errs13 = errors;
const _errs14 = errors;
if(errors === _errs14){
if((typeof data5 == "number") && (isFinite(data5))){
if(data5 > 1 || isNaN(data5)){
validate22.errors = [{instancePath:instancePath+"/other",schemaPath:"#/$defs/share/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1},message:"must be <= 1"}];
return false;
}
else {
if(data5 < 0 || isNaN(data5)){
validate22.errors = [{instancePath:instancePath+"/other",schemaPath:"#/$defs/share/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0"}];
return false;
}
}
}
else {
validate22.errors = [{instancePath:instancePath+"/other",schemaPath:"#/$defs/share/type",keyword:"type",params:{type: "number"},message:"must be number"}];
return false;
}
}
var valid0 = _errs13 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.missing !== undefined){
let data6 = data.missing;
const _errs16 = errors;
const _errs17 = errors;
if(errors === _errs17){
if((typeof data6 == "number") && (isFinite(data6))){
if(data6 > 1 || isNaN(data6)){
validate22.errors = [{instancePath:instancePath+"/missing",schemaPath:"#/$defs/share/maximum",keyword:"maximum",params:{comparison: "<=", limit: 1},message:"must be <= 1"}];
return false;
}
else {
if(data6 < 0 || isNaN(data6)){
validate22.errors = [{instancePath:instancePath+"/missing",schemaPath:"#/$defs/share/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0"}];
return false;
}
}
}
else {
validate22.errors = [{instancePath:instancePath+"/missing",schemaPath:"#/$defs/share/type",keyword:"type",params:{type: "number"},message:"must be number"}];
return false;
}
}
var valid0 = _errs16 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
}
else {
validate22.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
validate22.errors = vErrors;
return errors === 0;
}
validate22.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};


function validate21(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate21.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
const _errs1 = errors;
const _errs2 = errors;
let valid1 = true;
const _errs3 = errors;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.type !== undefined){
if("string" !== data.type){
const err0 = {};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
}
}
var _valid0 = _errs3 === errors;
errors = _errs2;
if(vErrors !== null){
if(_errs2){
vErrors.length = _errs2;
}
else {
vErrors = null;
}
}
if(_valid0){
const _errs5 = errors;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.example !== undefined){
if(typeof data.example !== "string"){
validate21.errors = [{instancePath:instancePath+"/example",schemaPath:"#/allOf/0/then/properties/example/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
}
var _valid0 = _errs5 === errors;
valid1 = _valid0;
if(valid1){
var props0 = {};
props0.example = true;
props0.type = true;
}
}
if(!valid1){
const err1 = {instancePath,schemaPath:"#/allOf/0/if",keyword:"if",params:{failingKeyword: "then"},message:"must match \"then\" schema"};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
validate21.errors = vErrors;
return false;
}
var valid0 = _errs1 === errors;
if(valid0){
const _errs8 = errors;
const _errs9 = errors;
let valid4 = true;
const _errs10 = errors;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.type !== undefined){
if("number" !== data.type){
const err2 = {};
if(vErrors === null){
vErrors = [err2];
}
else {
vErrors.push(err2);
}
errors++;
}
}
}
var _valid1 = _errs10 === errors;
errors = _errs9;
if(vErrors !== null){
if(_errs9){
vErrors.length = _errs9;
}
else {
vErrors = null;
}
}
if(_valid1){
const _errs12 = errors;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.example !== undefined){
let data3 = data.example;
const _errs13 = errors;
if(errors === _errs13){
if((typeof data3 == "number") && (isFinite(data3))){
if(data3 > 3.4e+38 || isNaN(data3)){
validate21.errors = [{instancePath:instancePath+"/example",schemaPath:"#/allOf/1/then/properties/example/maximum",keyword:"maximum",params:{comparison: "<=", limit: 3.4e+38},message:"must be <= 3.4e+38"}];
return false;
}
else {
if(data3 < -3.4e+38 || isNaN(data3)){
validate21.errors = [{instancePath:instancePath+"/example",schemaPath:"#/allOf/1/then/properties/example/minimum",keyword:"minimum",params:{comparison: ">=", limit: -3.4e+38},message:"must be >= -3.4e+38"}];
return false;
}
}
}
else {
validate21.errors = [{instancePath:instancePath+"/example",schemaPath:"#/allOf/1/then/properties/example/type",keyword:"type",params:{type: "number"},message:"must be number"}];
return false;
}
}
}
}
var _valid1 = _errs12 === errors;
valid4 = _valid1;
if(valid4){
var props1 = {};
props1.example = true;
props1.type = true;
}
}
if(!valid4){
const err3 = {instancePath,schemaPath:"#/allOf/1/if",keyword:"if",params:{failingKeyword: "then"},message:"must match \"then\" schema"};
if(vErrors === null){
vErrors = [err3];
}
else {
vErrors.push(err3);
}
errors++;
validate21.errors = vErrors;
return false;
}
var valid0 = _errs8 === errors;
if(valid0){
if(props0 !== true && props1 !== undefined){
if(props1 === true){
props0 = true;
}
else {
props0 = props0 || {};
Object.assign(props0, props1);
}
}
const _errs15 = errors;
const _errs16 = errors;
let valid7 = true;
const _errs17 = errors;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.type !== undefined){
if("integer" !== data.type){
const err4 = {};
if(vErrors === null){
vErrors = [err4];
}
else {
vErrors.push(err4);
}
errors++;
}
}
}
var _valid2 = _errs17 === errors;
errors = _errs16;
if(vErrors !== null){
if(_errs16){
vErrors.length = _errs16;
}
else {
vErrors = null;
}
}
if(_valid2){
const _errs19 = errors;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.example !== undefined){
let data5 = data.example;
const _errs20 = errors;
if(!(((typeof data5 == "number") && (!(data5 % 1) && !isNaN(data5))) && (isFinite(data5)))){
validate21.errors = [{instancePath:instancePath+"/example",schemaPath:"#/allOf/2/then/properties/example/type",keyword:"type",params:{type: "integer"},message:"must be integer"}];
return false;
}
if(errors === _errs20){
if((typeof data5 == "number") && (isFinite(data5))){
if(data5 > 9007199254740991 || isNaN(data5)){
validate21.errors = [{instancePath:instancePath+"/example",schemaPath:"#/allOf/2/then/properties/example/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991},message:"must be <= 9007199254740991"}];
return false;
}
else {
if(data5 < -9007199254740991 || isNaN(data5)){
validate21.errors = [{instancePath:instancePath+"/example",schemaPath:"#/allOf/2/then/properties/example/minimum",keyword:"minimum",params:{comparison: ">=", limit: -9007199254740991},message:"must be >= -9007199254740991"}];
return false;
}
}
}
}
}
}
var _valid2 = _errs19 === errors;
valid7 = _valid2;
if(valid7){
var props2 = {};
props2.example = true;
props2.type = true;
}
}
if(!valid7){
const err5 = {instancePath,schemaPath:"#/allOf/2/if",keyword:"if",params:{failingKeyword: "then"},message:"must match \"then\" schema"};
if(vErrors === null){
vErrors = [err5];
}
else {
vErrors.push(err5);
}
errors++;
validate21.errors = vErrors;
return false;
}
var valid0 = _errs15 === errors;
if(valid0){
if(props0 !== true && props2 !== undefined){
if(props2 === true){
props0 = true;
}
else {
props0 = props0 || {};
Object.assign(props0, props2);
}
}
const _errs22 = errors;
const _errs23 = errors;
let valid10 = true;
const _errs24 = errors;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.type !== undefined){
if("boolean" !== data.type){
const err6 = {};
if(vErrors === null){
vErrors = [err6];
}
else {
vErrors.push(err6);
}
errors++;
}
}
}
var _valid3 = _errs24 === errors;
errors = _errs23;
if(vErrors !== null){
if(_errs23){
vErrors.length = _errs23;
}
else {
vErrors = null;
}
}
if(_valid3){
const _errs26 = errors;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.example !== undefined){
if(typeof data.example !== "boolean"){
validate21.errors = [{instancePath:instancePath+"/example",schemaPath:"#/allOf/3/then/properties/example/type",keyword:"type",params:{type: "boolean"},message:"must be boolean"}];
return false;
}
}
}
var _valid3 = _errs26 === errors;
valid10 = _valid3;
if(valid10){
var props3 = {};
props3.example = true;
props3.type = true;
}
}
if(!valid10){
const err7 = {instancePath,schemaPath:"#/allOf/3/if",keyword:"if",params:{failingKeyword: "then"},message:"must match \"then\" schema"};
if(vErrors === null){
vErrors = [err7];
}
else {
vErrors.push(err7);
}
errors++;
validate21.errors = vErrors;
return false;
}
var valid0 = _errs22 === errors;
if(valid0){
if(props0 !== true && props3 !== undefined){
if(props3 === true){
props0 = true;
}
else {
props0 = props0 || {};
Object.assign(props0, props3);
}
}
}
}
}
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((((data.name === undefined) && (missing0 = "name")) || ((data.onnx === undefined) && (missing0 = "onnx"))) || ((data.type === undefined) && (missing0 = "type"))) || ((data.nullable === undefined) && (missing0 = "nullable"))){
validate21.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0},message:"must have required property '"+missing0+"'"}];
return false;
}
else {
const _errs29 = errors;
for(const key0 in data){
if(!((((((((key0 === "name") || (key0 === "onnx")) || (key0 === "type")) || (key0 === "nullable")) || (key0 === "categories")) || (key0 === "range")) || (key0 === "example")) || (key0 === "distribution"))){
validate21.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},message:"must NOT have additional properties"}];
return false;
break;
}
}
if(_errs29 === errors){
if(data.name !== undefined){
let data8 = data.name;
const _errs30 = errors;
if(errors === _errs30){
if(typeof data8 === "string"){
if(func2(data8) < 1){
validate21.errors = [{instancePath:instancePath+"/name",schemaPath:"#/properties/name/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters"}];
return false;
}
}
else {
validate21.errors = [{instancePath:instancePath+"/name",schemaPath:"#/properties/name/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
var valid13 = _errs30 === errors;
}
else {
var valid13 = true;
}
if(valid13){
if(data.onnx !== undefined){
let data9 = data.onnx;
const _errs32 = errors;
if(errors === _errs32){
if(typeof data9 === "string"){
if(func2(data9) < 1){
validate21.errors = [{instancePath:instancePath+"/onnx",schemaPath:"#/properties/onnx/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters"}];
return false;
}
}
else {
validate21.errors = [{instancePath:instancePath+"/onnx",schemaPath:"#/properties/onnx/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
var valid13 = _errs32 === errors;
}
else {
var valid13 = true;
}
if(valid13){
if(data.type !== undefined){
let data10 = data.type;
const _errs34 = errors;
if(!((((data10 === "string") || (data10 === "number")) || (data10 === "integer")) || (data10 === "boolean"))){
validate21.errors = [{instancePath:instancePath+"/type",schemaPath:"#/properties/type/enum",keyword:"enum",params:{allowedValues: schema32.properties.type.enum},message:"must be equal to one of the allowed values"}];
return false;
}
var valid13 = _errs34 === errors;
}
else {
var valid13 = true;
}
if(valid13){
if(data.nullable !== undefined){
const _errs35 = errors;
if(typeof data.nullable !== "boolean"){
validate21.errors = [{instancePath:instancePath+"/nullable",schemaPath:"#/properties/nullable/type",keyword:"type",params:{type: "boolean"},message:"must be boolean"}];
return false;
}
var valid13 = _errs35 === errors;
}
else {
var valid13 = true;
}
if(valid13){
if(data.categories !== undefined){
let data12 = data.categories;
const _errs37 = errors;
if(errors === _errs37){
if(Array.isArray(data12)){
var valid14 = true;
const len0 = data12.length;
for(let i0=0; i0<len0; i0++){
const _errs39 = errors;
if(typeof data12[i0] !== "string"){
validate21.errors = [{instancePath:instancePath+"/categories/" + i0,schemaPath:"#/properties/categories/items/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid14 = _errs39 === errors;
if(!valid14){
break;
}
}
if(valid14){
let i1 = data12.length;
let j0;
if(i1 > 1){
const indices0 = {};
for(;i1--;){
let item0 = data12[i1];
if(typeof item0 !== "string"){
continue;
}
if(typeof indices0[item0] == "number"){
j0 = indices0[item0];
validate21.errors = [{instancePath:instancePath+"/categories",schemaPath:"#/properties/categories/uniqueItems",keyword:"uniqueItems",params:{i: i1, j: j0},message:"must NOT have duplicate items (items ## "+j0+" and "+i1+" are identical)"}];
return false;
break;
}
indices0[item0] = i1;
}
}
}
}
else {
validate21.errors = [{instancePath:instancePath+"/categories",schemaPath:"#/properties/categories/type",keyword:"type",params:{type: "array"},message:"must be array"}];
return false;
}
}
var valid13 = _errs37 === errors;
}
else {
var valid13 = true;
}
if(valid13){
if(data.range !== undefined){
let data14 = data.range;
const _errs41 = errors;
if(errors === _errs41){
if(Array.isArray(data14)){
if(data14.length > 2){
validate21.errors = [{instancePath:instancePath+"/range",schemaPath:"#/properties/range/maxItems",keyword:"maxItems",params:{limit: 2},message:"must NOT have more than 2 items"}];
return false;
}
else {
if(data14.length < 2){
validate21.errors = [{instancePath:instancePath+"/range",schemaPath:"#/properties/range/minItems",keyword:"minItems",params:{limit: 2},message:"must NOT have fewer than 2 items"}];
return false;
}
else {
var valid16 = true;
const len1 = data14.length;
for(let i2=0; i2<len1; i2++){
let data15 = data14[i2];
const _errs43 = errors;
if(!((typeof data15 == "number") && (isFinite(data15)))){
validate21.errors = [{instancePath:instancePath+"/range/" + i2,schemaPath:"#/properties/range/items/type",keyword:"type",params:{type: "number"},message:"must be number"}];
return false;
}
var valid16 = _errs43 === errors;
if(!valid16){
break;
}
}
}
}
}
else {
validate21.errors = [{instancePath:instancePath+"/range",schemaPath:"#/properties/range/type",keyword:"type",params:{type: "array"},message:"must be array"}];
return false;
}
}
var valid13 = _errs41 === errors;
}
else {
var valid13 = true;
}
if(valid13){
if(data.distribution !== undefined){
const _errs45 = errors;
if(!(validate22(data.distribution, {instancePath:instancePath+"/distribution",parentData:data,parentDataProperty:"distribution",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate22.errors : vErrors.concat(validate22.errors);
errors = vErrors.length;
}
var valid13 = _errs45 === errors;
}
else {
var valid13 = true;
}
}
}
}
}
}
}
}
}
}
else {
validate21.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
validate21.errors = vErrors;
return errors === 0;
}
validate21.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};


function validate20(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
let vErrors = null;
let errors = 0;
const evaluated0 = validate20.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
const _errs1 = errors;
let valid0 = true;
const _errs2 = errors;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.task !== undefined){
if("regression" !== data.task){
const err0 = {};
if(vErrors === null){
vErrors = [err0];
}
else {
vErrors.push(err0);
}
errors++;
}
}
}
var _valid0 = _errs2 === errors;
errors = _errs1;
if(vErrors !== null){
if(_errs1){
vErrors.length = _errs1;
}
else {
vErrors = null;
}
}
let ifClause0;
if(_valid0){
const _errs4 = errors;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.outputs !== undefined){
let data1 = data.outputs;
if(data1 && typeof data1 == "object" && !Array.isArray(data1)){
let missing0;
if((data1.value === undefined) && (missing0 = "value")){
validate20.errors = [{instancePath:instancePath+"/outputs",schemaPath:"#/then/properties/outputs/required",keyword:"required",params:{missingProperty: missing0},message:"must have required property '"+missing0+"'"}];
return false;
}
}
}
}
var _valid0 = _errs4 === errors;
valid0 = _valid0;
if(valid0){
var props0 = {};
props0.outputs = true;
props0.task = true;
}
ifClause0 = "then";
}
else {
const _errs6 = errors;
if(data && typeof data == "object" && !Array.isArray(data)){
if(data.outputs !== undefined){
let data2 = data.outputs;
if(data2 && typeof data2 == "object" && !Array.isArray(data2)){
let missing1;
if((((data2.label === undefined) && (missing1 = "label")) || ((data2.probabilities === undefined) && (missing1 = "probabilities"))) || ((data2.classes === undefined) && (missing1 = "classes"))){
validate20.errors = [{instancePath:instancePath+"/outputs",schemaPath:"#/else/properties/outputs/required",keyword:"required",params:{missingProperty: missing1},message:"must have required property '"+missing1+"'"}];
return false;
}
}
}
}
var _valid0 = _errs6 === errors;
valid0 = _valid0;
if(valid0){
if(props0 !== true){
props0 = props0 || {};
props0.outputs = true;
}
}
ifClause0 = "else";
}
if(!valid0){
const err1 = {instancePath,schemaPath:"#/if",keyword:"if",params:{failingKeyword: ifClause0},message:"must match \""+ifClause0+"\" schema"};
if(vErrors === null){
vErrors = [err1];
}
else {
vErrors.push(err1);
}
errors++;
validate20.errors = vErrors;
return false;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing2;
if((((data.task === undefined) && (missing2 = "task")) || ((data.inputs === undefined) && (missing2 = "inputs"))) || ((data.outputs === undefined) && (missing2 = "outputs"))){
validate20.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing2},message:"must have required property '"+missing2+"'"}];
return false;
}
else {
const _errs8 = errors;
for(const key0 in data){
if(!(func1.call(schema31.properties, key0))){
validate20.errors = [{instancePath,schemaPath:"#/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key0},message:"must NOT have additional properties"}];
return false;
break;
}
}
if(_errs8 === errors){
if(data.$schema !== undefined){
const _errs9 = errors;
if(typeof data.$schema !== "string"){
validate20.errors = [{instancePath:instancePath+"/$schema",schemaPath:"#/properties/%24schema/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid4 = _errs9 === errors;
}
else {
var valid4 = true;
}
if(valid4){
if(data.description !== undefined){
const _errs11 = errors;
if(typeof data.description !== "string"){
validate20.errors = [{instancePath:instancePath+"/description",schemaPath:"#/properties/description/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid4 = _errs11 === errors;
}
else {
var valid4 = true;
}
if(valid4){
if(data.task !== undefined){
let data5 = data.task;
const _errs13 = errors;
if(!((data5 === "classification") || (data5 === "regression"))){
validate20.errors = [{instancePath:instancePath+"/task",schemaPath:"#/properties/task/enum",keyword:"enum",params:{allowedValues: schema31.properties.task.enum},message:"must be equal to one of the allowed values"}];
return false;
}
var valid4 = _errs13 === errors;
}
else {
var valid4 = true;
}
if(valid4){
if(data.framework !== undefined){
const _errs14 = errors;
if(typeof data.framework !== "string"){
validate20.errors = [{instancePath:instancePath+"/framework",schemaPath:"#/properties/framework/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid4 = _errs14 === errors;
}
else {
var valid4 = true;
}
if(valid4){
if(data.created !== undefined){
const _errs16 = errors;
if(typeof data.created !== "string"){
validate20.errors = [{instancePath:instancePath+"/created",schemaPath:"#/properties/created/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid4 = _errs16 === errors;
}
else {
var valid4 = true;
}
if(valid4){
if(data.sha256 !== undefined){
let data8 = data.sha256;
const _errs18 = errors;
if(errors === _errs18){
if(typeof data8 === "string"){
if(!pattern4.test(data8)){
validate20.errors = [{instancePath:instancePath+"/sha256",schemaPath:"#/properties/sha256/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f]{64}$"},message:"must match pattern \""+"^[0-9a-f]{64}$"+"\""}];
return false;
}
}
else {
validate20.errors = [{instancePath:instancePath+"/sha256",schemaPath:"#/properties/sha256/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
var valid4 = _errs18 === errors;
}
else {
var valid4 = true;
}
if(valid4){
if(data.inputs !== undefined){
let data9 = data.inputs;
const _errs20 = errors;
if(errors === _errs20){
if(Array.isArray(data9)){
if(data9.length < 1){
validate20.errors = [{instancePath:instancePath+"/inputs",schemaPath:"#/properties/inputs/minItems",keyword:"minItems",params:{limit: 1},message:"must NOT have fewer than 1 items"}];
return false;
}
else {
var valid5 = true;
const len0 = data9.length;
for(let i0=0; i0<len0; i0++){
const _errs22 = errors;
if(!(validate21(data9[i0], {instancePath:instancePath+"/inputs/" + i0,parentData:data9,parentDataProperty:i0,rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate21.errors : vErrors.concat(validate21.errors);
errors = vErrors.length;
}
var valid5 = _errs22 === errors;
if(!valid5){
break;
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/inputs",schemaPath:"#/properties/inputs/type",keyword:"type",params:{type: "array"},message:"must be array"}];
return false;
}
}
var valid4 = _errs20 === errors;
}
else {
var valid4 = true;
}
if(valid4){
if(data.outputs !== undefined){
let data11 = data.outputs;
const _errs23 = errors;
if(errors === _errs23){
if(data11 && typeof data11 == "object" && !Array.isArray(data11)){
const _errs25 = errors;
for(const key1 in data11){
if(!(((((key1 === "label") || (key1 === "probabilities")) || (key1 === "classes")) || (key1 === "value")) || (key1 === "distribution"))){
validate20.errors = [{instancePath:instancePath+"/outputs",schemaPath:"#/properties/outputs/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key1},message:"must NOT have additional properties"}];
return false;
break;
}
}
if(_errs25 === errors){
if(data11.label !== undefined){
const _errs26 = errors;
if(typeof data11.label !== "string"){
validate20.errors = [{instancePath:instancePath+"/outputs/label",schemaPath:"#/properties/outputs/properties/label/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid6 = _errs26 === errors;
}
else {
var valid6 = true;
}
if(valid6){
if(data11.probabilities !== undefined){
const _errs28 = errors;
if(typeof data11.probabilities !== "string"){
validate20.errors = [{instancePath:instancePath+"/outputs/probabilities",schemaPath:"#/properties/outputs/properties/probabilities/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid6 = _errs28 === errors;
}
else {
var valid6 = true;
}
if(valid6){
if(data11.classes !== undefined){
let data14 = data11.classes;
const _errs30 = errors;
if(errors === _errs30){
if(Array.isArray(data14)){
if(data14.length < 1){
validate20.errors = [{instancePath:instancePath+"/outputs/classes",schemaPath:"#/properties/outputs/properties/classes/minItems",keyword:"minItems",params:{limit: 1},message:"must NOT have fewer than 1 items"}];
return false;
}
else {
var valid7 = true;
const len1 = data14.length;
for(let i1=0; i1<len1; i1++){
let data15 = data14[i1];
const _errs32 = errors;
if((typeof data15 !== "string") && (!(((typeof data15 == "number") && (!(data15 % 1) && !isNaN(data15))) && (isFinite(data15))))){
validate20.errors = [{instancePath:instancePath+"/outputs/classes/" + i1,schemaPath:"#/properties/outputs/properties/classes/items/type",keyword:"type",params:{type: schema31.properties.outputs.properties.classes.items.type},message:"must be string,integer"}];
return false;
}
var valid7 = _errs32 === errors;
if(!valid7){
break;
}
}
if(valid7){
let i2 = data14.length;
let j0;
if(i2 > 1){
const indices0 = {};
for(;i2--;){
let item0 = data14[i2];
if((typeof item0 !== "string") && (!(((typeof item0 == "number") && (!(item0 % 1) && !isNaN(item0))) && (isFinite(item0))))){
continue;
}
if(typeof item0 == "string"){
item0 += "_";
}
if(typeof indices0[item0] == "number"){
j0 = indices0[item0];
validate20.errors = [{instancePath:instancePath+"/outputs/classes",schemaPath:"#/properties/outputs/properties/classes/uniqueItems",keyword:"uniqueItems",params:{i: i2, j: j0},message:"must NOT have duplicate items (items ## "+j0+" and "+i2+" are identical)"}];
return false;
break;
}
indices0[item0] = i2;
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/outputs/classes",schemaPath:"#/properties/outputs/properties/classes/type",keyword:"type",params:{type: "array"},message:"must be array"}];
return false;
}
}
var valid6 = _errs30 === errors;
}
else {
var valid6 = true;
}
if(valid6){
if(data11.value !== undefined){
const _errs34 = errors;
if(typeof data11.value !== "string"){
validate20.errors = [{instancePath:instancePath+"/outputs/value",schemaPath:"#/properties/outputs/properties/value/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid6 = _errs34 === errors;
}
else {
var valid6 = true;
}
if(valid6){
if(data11.distribution !== undefined){
const _errs36 = errors;
if(!(validate22(data11.distribution, {instancePath:instancePath+"/outputs/distribution",parentData:data11,parentDataProperty:"distribution",rootData,dynamicAnchors}))){
vErrors = vErrors === null ? validate22.errors : vErrors.concat(validate22.errors);
errors = vErrors.length;
}
var valid6 = _errs36 === errors;
}
else {
var valid6 = true;
}
}
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/outputs",schemaPath:"#/properties/outputs/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
var valid4 = _errs23 === errors;
}
else {
var valid4 = true;
}
if(valid4){
if(data.metrics !== undefined){
let data18 = data.metrics;
const _errs37 = errors;
if(errors === _errs37){
if(data18 && typeof data18 == "object" && !Array.isArray(data18)){
for(const key2 in data18){
let data19 = data18[key2];
const _errs40 = errors;
if((!((typeof data19 == "number") && (isFinite(data19)))) && (typeof data19 !== "string")){
validate20.errors = [{instancePath:instancePath+"/metrics/" + key2.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/properties/metrics/additionalProperties/type",keyword:"type",params:{type: schema31.properties.metrics.additionalProperties.type},message:"must be number,string"}];
return false;
}
var valid9 = _errs40 === errors;
if(!valid9){
break;
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/metrics",schemaPath:"#/properties/metrics/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
var valid4 = _errs37 === errors;
}
else {
var valid4 = true;
}
if(valid4){
if(data.routes !== undefined){
let data20 = data.routes;
const _errs42 = errors;
if(errors === _errs42){
if(Array.isArray(data20)){
if(data20.length > 16){
validate20.errors = [{instancePath:instancePath+"/routes",schemaPath:"#/properties/routes/maxItems",keyword:"maxItems",params:{limit: 16},message:"must NOT have more than 16 items"}];
return false;
}
else {
var valid10 = true;
const len2 = data20.length;
for(let i3=0; i3<len2; i3++){
let data21 = data20[i3];
const _errs44 = errors;
if(errors === _errs44){
if(typeof data21 === "string"){
if(func2(data21) > 128){
validate20.errors = [{instancePath:instancePath+"/routes/" + i3,schemaPath:"#/properties/routes/items/maxLength",keyword:"maxLength",params:{limit: 128},message:"must NOT have more than 128 characters"}];
return false;
}
else {
if(!pattern5.test(data21)){
validate20.errors = [{instancePath:instancePath+"/routes/" + i3,schemaPath:"#/properties/routes/items/pattern",keyword:"pattern",params:{pattern: "^(/[A-Za-z0-9][A-Za-z0-9._~-]*)+$"},message:"must match pattern \""+"^(/[A-Za-z0-9][A-Za-z0-9._~-]*)+$"+"\""}];
return false;
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/routes/" + i3,schemaPath:"#/properties/routes/items/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
var valid10 = _errs44 === errors;
if(!valid10){
break;
}
}
if(valid10){
let i4 = data20.length;
let j1;
if(i4 > 1){
const indices1 = {};
for(;i4--;){
let item1 = data20[i4];
if(typeof item1 !== "string"){
continue;
}
if(typeof indices1[item1] == "number"){
j1 = indices1[item1];
validate20.errors = [{instancePath:instancePath+"/routes",schemaPath:"#/properties/routes/uniqueItems",keyword:"uniqueItems",params:{i: i4, j: j1},message:"must NOT have duplicate items (items ## "+j1+" and "+i4+" are identical)"}];
return false;
break;
}
indices1[item1] = i4;
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/routes",schemaPath:"#/properties/routes/type",keyword:"type",params:{type: "array"},message:"must be array"}];
return false;
}
}
var valid4 = _errs42 === errors;
}
else {
var valid4 = true;
}
if(valid4){
if(data.answer !== undefined){
let data22 = data.answer;
const _errs46 = errors;
if(errors === _errs46){
if(data22 && typeof data22 == "object" && !Array.isArray(data22)){
let missing3;
if((data22.key === undefined) && (missing3 = "key")){
validate20.errors = [{instancePath:instancePath+"/answer",schemaPath:"#/properties/answer/required",keyword:"required",params:{missingProperty: missing3},message:"must have required property '"+missing3+"'"}];
return false;
}
else {
const _errs48 = errors;
for(const key3 in data22){
if(!((key3 === "key") || (key3 === "decimals"))){
validate20.errors = [{instancePath:instancePath+"/answer",schemaPath:"#/properties/answer/additionalProperties",keyword:"additionalProperties",params:{additionalProperty: key3},message:"must NOT have additional properties"}];
return false;
break;
}
}
if(_errs48 === errors){
if(data22.key !== undefined){
let data23 = data22.key;
const _errs49 = errors;
if(errors === _errs49){
if(typeof data23 === "string"){
if(func2(data23) < 1){
validate20.errors = [{instancePath:instancePath+"/answer/key",schemaPath:"#/properties/answer/properties/key/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters"}];
return false;
}
}
else {
validate20.errors = [{instancePath:instancePath+"/answer/key",schemaPath:"#/properties/answer/properties/key/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
var valid12 = _errs49 === errors;
}
else {
var valid12 = true;
}
if(valid12){
if(data22.decimals !== undefined){
let data24 = data22.decimals;
const _errs51 = errors;
if(!(((typeof data24 == "number") && (!(data24 % 1) && !isNaN(data24))) && (isFinite(data24)))){
validate20.errors = [{instancePath:instancePath+"/answer/decimals",schemaPath:"#/properties/answer/properties/decimals/type",keyword:"type",params:{type: "integer"},message:"must be integer"}];
return false;
}
if(errors === _errs51){
if((typeof data24 == "number") && (isFinite(data24))){
if(data24 > 15 || isNaN(data24)){
validate20.errors = [{instancePath:instancePath+"/answer/decimals",schemaPath:"#/properties/answer/properties/decimals/maximum",keyword:"maximum",params:{comparison: "<=", limit: 15},message:"must be <= 15"}];
return false;
}
else {
if(data24 < 0 || isNaN(data24)){
validate20.errors = [{instancePath:instancePath+"/answer/decimals",schemaPath:"#/properties/answer/properties/decimals/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0"}];
return false;
}
}
}
}
var valid12 = _errs51 === errors;
}
else {
var valid12 = true;
}
}
}
}
}
else {
validate20.errors = [{instancePath:instancePath+"/answer",schemaPath:"#/properties/answer/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
var valid4 = _errs46 === errors;
}
else {
var valid4 = true;
}
}
}
}
}
}
}
}
}
}
}
}
}
}
else {
validate20.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
validate20.errors = vErrors;
return errors === 0;
}
validate20.evaluated = {"props":true,"dynamicProps":false,"dynamicItems":false};

/* Answers requests with a SavedModel through TensorFlow's C API, where no Python guards anything.
 *
 *     consumer FOLDER < requests
 *
 * A request is a line: INPUT OUTPUT INDEX DTYPE FILE RANK DIM..., where INPUT and OUTPUT name
 * operations of the graph, INDEX is the output's number, and FILE fills the tensor: its bytes over
 * and over for `float`, `uint8` and `int32`, the whole file for each element of a `string`.
 *
 * The answer is a line: `ok RANK DIM... VALUE...`, with a tab before each value that is a string, or
 * `error CODE MESSAGE` with TF_Code's number.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/tf_tstring.h"

enum { MAX_RANK = 8 };

typedef struct {
  char input[256], output[256], dtype[16], file[1024];
  int index, rank;
  int64_t dims[MAX_RANK];
} Request;

static void die(const char* what, const char* why) {
  fprintf(stderr, "consumer: %s: %s\n", what, why);
  exit(1);
}

static int read_request(char* line, Request* request) {
  int used = 0;
  if (sscanf(line, "%255s %255s %d %15s %1023s %d%n", request->input, request->output,
             &request->index, request->dtype, request->file, &request->rank, &used) != 6 ||
      request->rank < 0 || request->rank > MAX_RANK) {
    return 0;
  }
  for (int i = 0; i < request->rank; ++i) {
    int more = 0;
    if (sscanf(line + used, "%ld%n", &request->dims[i], &more) != 1) return 0;
    used += more;
  }
  return 1;
}

static char* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  if (!file) die(path, "cannot be opened");
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  char* data = malloc(*size + 1);
  if (!data || fread(data, 1, *size, file) != *size) die(path, "cannot be read");
  fclose(file);
  return data;
}

static TF_DataType type_of(const char* name) {
  if (!strcmp(name, "float")) return TF_FLOAT;
  if (!strcmp(name, "uint8")) return TF_UINT8;
  if (!strcmp(name, "int32")) return TF_INT32;
  if (!strcmp(name, "string")) return TF_STRING;
  die(name, "is no dtype here");
  return 0;
}

static TF_Tensor* make_tensor(const Request* request) {
  TF_DataType type = type_of(request->dtype);
  size_t count = 1, size = 0;
  for (int i = 0; i < request->rank; ++i) count *= (size_t)request->dims[i];
  char* data = read_file(request->file, &size);
  size_t length = count * TF_DataTypeSize(type);
  if (type == TF_STRING) length = count * sizeof(TF_TString);
  TF_Tensor* tensor = TF_AllocateTensor(type, request->dims, request->rank, length);
  char* values = TF_TensorData(tensor);
  if (type == TF_STRING) {
    for (size_t i = 0; i < count; ++i) {
      TF_StringInit((TF_TString*)values + i);
      TF_StringCopy((TF_TString*)values + i, data, size);
    }
  } else {
    for (size_t i = 0; i < length; ++i) values[i] = data[i % size];
  }
  free(data);
  return tensor;
}

static void print_answer(const TF_Tensor* tensor) {
  const float* values = TF_TensorData(tensor);
  const TF_TString* texts = TF_TensorData(tensor);
  int is_text = TF_TensorType(tensor) == TF_STRING;
  printf("ok %d", TF_NumDims(tensor));
  for (int i = 0; i < TF_NumDims(tensor); ++i) printf(" %ld", TF_Dim(tensor, i));
  for (int64_t i = 0; i < TF_TensorElementCount(tensor); ++i) {
    if (is_text) {
      printf("\t%.*s", (int)TF_StringGetSize(texts + i), TF_StringGetDataPointer(texts + i));
    } else {
      printf(" %.9g", values[i]);
    }
  }
  printf("\n");
}

static void print_error(const TF_Status* status) {
  printf("error %d ", TF_GetCode(status));
  for (const char* c = TF_Message(status); *c; ++c) putchar(*c == '\n' ? ' ' : *c);
  printf("\n");
}

static void answer(TF_Session* session, TF_Graph* graph, const Request* request) {
  TF_Output input = {TF_GraphOperationByName(graph, request->input), 0};
  TF_Output output = {TF_GraphOperationByName(graph, request->output), request->index};
  if (!input.oper || !output.oper) die(request->input, "or its output is not in the graph");
  TF_Status* status = TF_NewStatus();
  TF_Tensor* sent = make_tensor(request);
  TF_Tensor* received = NULL;
  TF_SessionRun(session, NULL, &input, &sent, 1, &output, &received, 1, NULL, 0, NULL, status);
  if (TF_GetCode(status) == TF_OK) {
    print_answer(received);
    TF_DeleteTensor(received);
  } else {
    print_error(status);
  }
  fflush(stdout);
  TF_DeleteTensor(sent);
  TF_DeleteStatus(status);
}

int main(int argc, char** argv) {
  if (argc != 2) die("usage", "consumer FOLDER < requests");
  const char* tags[] = {"serve"};
  TF_Status* status = TF_NewStatus();
  TF_Graph* graph = TF_NewGraph();
  TF_SessionOptions* options = TF_NewSessionOptions();
  TF_Session* session =
      TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, NULL, status);
  if (TF_GetCode(status) != TF_OK) die(argv[1], TF_Message(status));

  char line[4096];
  while (fgets(line, sizeof line, stdin)) {
    Request request;
    if (!read_request(line, &request)) die("not a request", line);
    answer(session, graph, &request);
  }

  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteSessionOptions(options);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return 0;
}

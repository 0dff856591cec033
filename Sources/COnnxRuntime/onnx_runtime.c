#include "onnx_runtime.h"

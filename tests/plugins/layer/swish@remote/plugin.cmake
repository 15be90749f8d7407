# The options are those of the layer, which is built as a third party would.
set(third_party ${PROJECT_SOURCE_DIR}/tests/third_party/swish)
odeon_add_plugin(layer swish ${destination} ${third_party}/swish.c)
file(MAKE_DIRECTORY ${destination}/layer)
file(CREATE_LINK swish@remote.so ${destination}/layer/swish@emulated.so SYMBOLIC)

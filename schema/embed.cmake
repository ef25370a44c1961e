# Writes OUT, a C++ file that holds the bytes of IN as NAMESPACE::SYMBOL, a std::string_view.
file(READ ${IN} hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
string(REGEX REPLACE "('[^,]*',)('[^,]*',)('[^,]*',)('[^,]*',)('[^,]*',)('[^,]*',)('[^,]*',)('[^,]*',)" "\\1\\2\\3\\4\\5\\6\\7\\8\n" bytes "${bytes}")
file(WRITE ${OUT} "#include <string_view>
namespace ${NAMESPACE} {
static constexpr char bytes_${SYMBOL}[] = {${bytes}'\\0'};
extern const std::string_view ${SYMBOL};
const std::string_view ${SYMBOL}(bytes_${SYMBOL}, ${size});
}  // namespace ${NAMESPACE}
")

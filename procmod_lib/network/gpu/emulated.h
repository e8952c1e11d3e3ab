// Enough of CUDA for g++: the threads of a block are threads of the CPU.
#include <barrier>
#include <cmath>
#include <thread>
#include <vector>

struct float4 {
  float x, y, z, w;
};
struct Index {
  int x, y;
};
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
static thread_local Index threadIdx, blockIdx, gridDim;
static float4 *block_memory;
static std::barrier<> *block_barrier;
static inline void __syncthreads() { block_barrier->arrive_and_wait(); }

#define KERNEL static void
#define DEVICE static inline
#define MEMORY ((float *)block_memory)

// run a kernel on every block of a grid, one block after another
template <class Kernel>
static void launched(Kernel kernel, int blocks, int models, int threads, size_t bytes) {
  std::vector<float4> memory(bytes / sizeof(float4) + 1);
  std::barrier<> barrier(threads);
  block_memory = memory.data(), block_barrier = &barrier;
  std::vector<std::thread> team;
  for (int me = 0; me < threads; me++)
    team.emplace_back([=] {
      for (int y = 0; y < models; y++)
        for (int x = 0; x < blocks; x++) {
          threadIdx = {me, 0}, blockIdx = {x, y}, gridDim = {blocks, models};
          kernel();
          __syncthreads();
        }
    });
  for (auto &one : team) one.join();
}

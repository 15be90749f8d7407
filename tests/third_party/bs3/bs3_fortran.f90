! bs3_fortran.f90: the numbers of the method of bs3_c.c in Fortran. Structures that hold addresses cannot
! be constants there, so that these stand in bs3_fortran.s.
module bs3
  use iso_c_binding
  implicit none
  ! Row by row, as C has it.
  real(c_double), bind(c, name='bs3_a') :: a(16) = [ &
       0d0, 0d0, 0d0, 0d0, &
       0.5d0, 0d0, 0d0, 0d0, &
       0d0, 0.75d0, 0d0, 0d0, &
       2d0/9d0, 1d0/3d0, 4d0/9d0, 0d0]
  real(c_double), bind(c, name='bs3_b') :: b(4) = [2d0/9d0, 1d0/3d0, 4d0/9d0, 0d0]
  real(c_double), bind(c, name='bs3_b_hat') :: b_hat(4) = [7d0/24d0, 0.25d0, 1d0/3d0, 0.125d0]
  real(c_double), bind(c, name='bs3_c') :: c(4) = [0d0, 0.5d0, 0.75d0, 1d0]
end module
